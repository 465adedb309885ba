package controlplane

import (
	"context"

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
	return []part{{"status", func() error { return controller.Run(ctx) }}}
}
