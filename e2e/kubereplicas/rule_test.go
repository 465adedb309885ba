package kubereplicas_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/coastwise/coastwise/e2e/cluster"
)

// written is a rule as the API server has it.
type written struct {
	metav1.ObjectMeta `json:"metadata"`
	Status            struct {
		Conditions []metav1.Condition `json:"conditions"`
	} `json:"status"`
}

// read reads a rule.
func (w *world) read(name string) (written, error) {
	var out written
	rules := schema.GroupVersionResource{Group: "networking.coastwise.dev", Version: "v1alpha1", Resource: "destinationrules"}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	o, err := w.cluster.Dynamic().Resource(rules).Namespace(w.namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return out, err
	}
	return out, runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &out)
}

// condition is one of a rule's; the zero Condition where it has none.
func (o written) condition(kind string) metav1.Condition {
	for _, c := range o.Status.Conditions {
		if c.Type == kind {
			return c
		}
	}
	return metav1.Condition{}
}

// want is what a condition shall be; words are in its message.
type want struct {
	kind   string
	status metav1.ConditionStatus
	reason string
	words  []string
}

// lack says in what the rule is not so for its present generation.
func (o written) lack(wants ...want) error {
	for _, x := range wants {
		is := o.condition(x.kind)
		ok := is.Status == x.status && is.Reason == x.reason && is.ObservedGeneration == o.Generation
		for _, word := range x.words {
			ok = ok && strings.Contains(is.Message, word)
		}
		if !ok {
			return fmt.Errorf("generation %d: %+v, not %+v", o.Generation, is, x)
		}
	}
	return nil
}

// becomes waits until a rule's conditions are so, and says how long that took.
func (w *world) becomes(name string, limit time.Duration, wants ...want) time.Duration {
	w.Helper()
	began := time.Now()
	cluster.Eventually(w, limit, func() error {
		o, err := w.read(name)
		if err != nil {
			return err
		}
		return o.lack(wants...)
	})
	return time.Since(began)
}

// programmed is the condition of a rule that all of some proxies have.
func programmed(proxies int) want {
	return want{"Programmed", metav1.ConditionTrue, "Programmed", []string{fmt.Sprintf("%d of %d proxies", proxies, proxies)}}
}

// sound are the conditions of a rule in which nothing is wrong.
func sound() []want {
	return []want{
		{"Accepted", metav1.ConditionTrue, "Accepted", nil},
		{"ResolvedRefs", metav1.ConditionTrue, "ResolvedRefs", nil},
	}
}

// events are those about a rule with a reason.
func (w *world) events(rule, reason string) []eventsv1.Event {
	w.Helper()
	list, err := w.cluster.Client().EventsV1().Events(w.namespace).List(context.Background(), metav1.ListOptions{})
	if err != nil {
		w.Fatal(err)
	}
	var out []eventsv1.Event
	for _, e := range list.Items {
		if e.Regarding.Kind == "DestinationRule" && e.Regarding.Name == rule && e.Reason == reason {
			out = append(out, e)
		}
	}
	return out
}
