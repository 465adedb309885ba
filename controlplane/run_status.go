package controlplane

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/coastwise/coastwise/controlplane/kube"
	"github.com/coastwise/coastwise/controlplane/peers"
	"github.com/coastwise/coastwise/controlplane/status"
	"github.com/coastwise/coastwise/translate/model"
)

// statusConfig is what statuses are made of; ok is false without an API server, where
// nobody could read them.
func (s *server) statusConfig() (_ status.Config, ok bool) {
	if s.kube == nil {
		return status.Config{}, false
	}
	return status.Config{
		REST: s.rest, Namespace: s.config.Replica.Namespace, Name: s.config.Replica.Name,
		Ready: s.hub.Synced, Objects: s.written, Problems: s.hub.Problems,
		Rollouts: func(context.Context) status.Rollouts { return s.rollouts() },
		Changed:  s.kube.Changed(), Log: s.config.Log,
	}, true
}

// written are the objects of our kinds on the API server.
func (s *server) written() []status.Object {
	var out []status.Object
	for _, w := range s.kube.Written() {
		if w.Whole != nil { // of the Gateway API
			continue
		}
		out = append(out, objectOf(w))
	}
	return out
}

// objectOf is an object whose status is to be written. Of one that a file gives too
// nothing acts.
func objectOf(w kube.Written) status.Object {
	o := status.Object{
		Ref: w.Ref, UID: w.UID, Generation: w.Generation, ResourceVersion: w.ResourceVersion, Status: w.Status, Acts: w.Acting,
	}
	if w.Shadowed {
		o.Acts = 0
	}
	return o
}

// rollouts is what this replica and those it hears say together.
func (s *server) rollouts() status.Rollouts { return rolloutsOf(s.replicas.pool.Joined()) }

// rolloutsOf is what replicas say together: a form counts once all of them have it.
func rolloutsOf(all peers.Joined) status.Rollouts {
	return status.Rollouts{
		Of: all.Rollouts, Problems: all.Problems, Unheard: all.Unheard,
		Includes: func(ref model.ObjectRef, _ types.UID, generation int64) bool {
			return all.Generations[ref] >= generation
		},
	}
}

// statusParts write what became of the users' objects, if this replica leads.
func (s *server) statusParts(ctx context.Context) []part {
	c, ok := s.statusConfig()
	if !ok {
		return nil
	}
	controller, err := status.New(c)
	if err != nil {
		return []part{{"status", func() error { return err }}}
	}
	s.registry.MustRegister(controller.Collectors()...)
	s.replicas.leading = controller.Leads
	run := controller.Run
	if s.config.Replica.Outside {
		run = func(ctx context.Context) error { return s.whileAlone(ctx, controller.Run) }
	}
	return []part{{"status", func() error { return run(ctx) }}}
}

// aloneTime is how often a server outside the cluster looks whether it is alone.
const aloneTime = 2 * time.Second

// whileAlone campaigns as long as no coastwise runs in the cluster: whoever is no Pod
// there is not heard by the others and does not hear them, and would say of their
// proxies that there are none.
func (s *server) whileAlone(ctx context.Context, campaign func(context.Context) error) error {
	told := false
	for ctx.Err() == nil {
		if !s.hub.Synced() { // nobody can tell
			pause(ctx, aloneTime)
			continue
		}
		if s.inhabited() {
			if !told {
				s.config.Log.Info("statuses are left to the coastwise that runs in the cluster", "namespace", s.config.Replica.Namespace)
			}
			told = true
			pause(ctx, aloneTime)
			continue
		}
		told = false
		term, end := context.WithCancel(ctx)
		go func() {
			for !s.inhabited() && pause(term, aloneTime) {
			}
			end()
		}()
		err := campaign(term)
		end()
		if err != nil {
			return err
		}
	}
	return nil
}

// inhabited says whether Pods of coastwise run in the replicas' namespace, by the label
// of deploy/.
func (s *server) inhabited() bool {
	return slices.ContainsFunc(s.store.PodsIn(s.config.Replica.Namespace), func(p *corev1.Pod) bool {
		return p.Labels["app.kubernetes.io/name"] == ownAccount
	})
}

// pause waits; false if ctx ended before.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
