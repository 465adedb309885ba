package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/go-multierror"
	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
)

// waitFlags are the flags of wait.
type waitFlags struct {
	cluster clusterFlags
	what    string
	timeout time.Duration
}

func newWait(p process) *cobra.Command {
	var f waitFlags
	cmd := &cobra.Command{
		Use:   "wait KIND/NAME",
		Short: "Wait until an object is live on every proxy",
		Long: `wait reads an object of coastwise's own kinds, or a Gateway or route that is coastwise's
to serve, from the API server and returns once a condition of it is True for its
present generation:

  accepted      it is valid and used
  resolvedrefs  the hosts and subsets that it names exist
  programmed    every connected proxy has accepted what is made from it, on all
                replicas; without any such proxy that is so at once

Like 'kubectl wait' it waits until the timeout, also where only an edit would
help; but what stands in the way is said on stderr at once, and again whenever it
changes. The kinds are DestinationRule (dr), ServiceEntry (se), WorkloadEntry (we,
which can only be accepted) and MeshConfig (mc); of the Gateway API Gateway (gtw),
programmed once a proxy runs it, HTTPRoute and GRPCRoute, at all their parents.

It needs the rights to get and to watch the object.

Exit codes: 0 it is so; 1 there is no such object, or it was deleted, or may not
be read; 2 wrong usage; 4 not within --timeout; 5 the API server does not answer.`,
		Example: `  kubectl apply -f rule.yaml && coastwise wait dr/reviews -n shop

  # Does a proxy run the waypoint, and do all that do have its listener?
  coastwise wait gateway/waypoint -n shop --timeout 2m

  # In a pipeline: has the rule at least been taken?
  coastwise wait destinationrule/reviews --for accepted --timeout 10s --context staging`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeTarget,
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := f.target(args)
			if err != nil {
				return err
			}
			return f.wait(cmd.Context(), t, p)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.what, "for", "programmed", "condition to wait for: accepted, resolvedrefs or programmed")
	flags.DurationVar(&f.timeout, "timeout", 30*time.Second, "how long to wait; 0 looks once")
	f.cluster.add(cmd)
	completeValues(cmd, "for", "accepted", "resolvedrefs", "programmed")
	completeNothing(cmd, "timeout")
	return cmd
}

// target reads the argument and the flags; the error lists everything that is wrong.
func (f *waitFlags) target(args []string) (target, error) {
	errs := &multierror.Error{ErrorFormat: lines}
	var t target
	var err error
	if len(args) != 1 {
		err = errors.New("want one KIND/NAME, such as dr/reviews")
	} else {
		t, err = parseTarget(args[0])
	}
	if err != nil {
		errs = multierror.Append(errs, err)
	}
	if err := t.parseCondition(f.what); err != nil {
		errs = multierror.Append(errs, err)
	}
	if f.timeout < 0 {
		errs = multierror.Append(errs, fmt.Errorf("--timeout: %s is negative", f.timeout))
	}
	if errs.ErrorOrNil() != nil {
		return t, usageError{errs}
	}
	return t, nil
}

// timeoutError says that it is not so yet: exit code 4.
type timeoutError struct{ err error }

func (e timeoutError) Error() string { return e.err.Error() }
func (e timeoutError) Unwrap() error { return e.err }

// waiter waits for one target.
type waiter struct {
	target  target
	objects dynamic.ResourceInterface
	server  string
	tell    func(string)
	told    string
	last    verdict
}

func (f *waitFlags) wait(ctx context.Context, t target, p process) error {
	client, server, namespace, err := f.cluster.connect()
	if err != nil {
		return err
	}
	w := &waiter{target: t, server: server, tell: func(s string) { fmt.Fprintf(p.stderr, "%s: %s\n", t, s) }}
	all := client.Resource(t.kind.group.WithResource(t.kind.resource))
	w.objects = all.Namespace(namespace)
	if t.kind.cluster {
		w.objects = all
	}
	limited, stop := context.WithTimeout(ctx, cmp.Or(f.timeout, firstLook))
	defer stop()
	err = w.run(limited, f.timeout == 0)
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case err != nil:
		return err
	case !w.last.done:
		return timeoutError{fmt.Errorf("%s: not within %s: %s", t, f.timeout, w.last.said)}
	}
	_, err = fmt.Fprintf(p.stdout, "%s: %s\n", t, w.last.said)
	return err
}

const (
	// firstLook is how long --timeout=0 waits for an answer.
	firstLook = 5 * time.Second
	// lookAgain is the pause after an answer that did not come, or a watch that ended.
	lookAgain = time.Second
)

// run looks and watches until the condition is True, the time is over, or there is
// nothing to wait for. A server that is silent from the first is an error at once; later
// one is waited for.
func (w *waiter) run(ctx context.Context, once bool) error {
	silent := error(nil) // why the last look had no answer
	for first := true; ; first = false {
		object, err := w.objects.Get(ctx, w.target.name, metav1.GetOptions{})
		switch {
		case err != nil && !unanswered(err):
			return w.explain(err)
		case err != nil && (first || ctx.Err() == nil):
			if silent = (noAPIError{w.server, cause(err)}); first {
				return silent
			}
			w.say("silent", silent.Error())
		case err == nil:
			silent = nil
			if over, err := w.look(object); over || once || err != nil {
				return err
			}
			if over, err := w.follow(ctx, object.GetResourceVersion()); over || err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return silent
		case <-time.After(lookAgain):
		}
	}
}

// follow watches from a version on, until the condition is True or the watch ends.
func (w *waiter) follow(ctx context.Context, version string) (over bool, err error) {
	events, err := w.objects.Watch(ctx, metav1.ListOptions{
		FieldSelector:   metav1.ObjectNameField + "=" + w.target.name,
		ResourceVersion: version,
	})
	if err != nil {
		if apierrors.IsForbidden(err) {
			return true, w.explain(err)
		}
		return false, nil
	}
	defer events.Stop()
	for e := range events.ResultChan() {
		object, ok := e.Object.(*unstructured.Unstructured)
		switch {
		case e.Type == watch.Deleted:
			return true, fmt.Errorf("%s was deleted", w.target)
		case e.Type == watch.Error || !ok:
			return false, nil // too old a version, say: look again
		}
		if over, err := w.look(object); over || err != nil {
			return over, err
		}
	}
	return false, nil
}

// look judges the object, and says what is in the way if that is new.
func (w *waiter) look(object *unstructured.Unstructured) (over bool, err error) {
	if w.last, err = w.target.judge(object); err != nil || w.last.done {
		return true, err
	}
	w.say(w.last.brief, w.last.said)
	return false, nil
}

// say tells something once until something else is told; brief is what makes it new.
func (w *waiter) say(brief, said string) {
	if w.told != brief {
		w.tell(said)
		w.told = brief
	}
}

// explain says what an answer means that no waiting mends.
func (w *waiter) explain(err error) error {
	if apierrors.IsNotFound(err) && !strings.Contains(err.Error(), w.target.name) {
		return fmt.Errorf("this API server knows no %s; %s", w.target.kind.name, w.target.kind.crds())
	}
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("%s does not exist: %w", w.target, err)
	}
	return fmt.Errorf("%s: %w", w.target, err)
}
