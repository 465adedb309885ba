package snapshot

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
	"github.com/coastwise/coastwise/translate/worldtest"
)

// TestRefusedTurnToEndpoints: a client that has a cluster by DNS and refuses the form
// that asks for endpoints goes on with the former, and asks for none.
func TestRefusedTurnToEndpoints(t *testing.T) {
	seldom(t, 1, func(t *rapid.T) {
		s := aliasSimulation(t)
		c := s.clients[0]
		c.refuses = cluster80("s1.a")
		s.turn("")
		s.readAll()
		name := cluster80("s1.a")
		if c.held[resourceID{envoy.ClusterType, name}] == "" || c.names[resourceID{envoy.EndpointType, name}] || len(c.refused) != 1 {
			t.Fatalf("holds %v, asks for %v, refused %v", c.held, c.names, c.refused)
		}
		s.settle()
		s.check()
		s.checkRollouts(true)
	})
}

// aliasSimulation has one client, which holds a Service that is another name.
func aliasSimulation(t *rapid.T) *simulation {
	s := &simulation{t: t, now: time.Unix(1_000_000, 0), world: worldtest.World{
		Objects: map[model.ObjectRef]any{}, Fences: map[model.ObjectRef]*model.Fence{},
	}}
	s.restart()
	s.turn("db.example.com")
	s.clients = []*client{{claims: model.Proxy{ID: "a/c0", Kind: model.Sidecar, Namespace: "a"}}}
	s.connect(s.clients[0])
	s.readAll()
	return s
}

// turn makes the Service another name, or no such thing for "".
func (s *simulation) turn(external string) {
	e := &corev1.Service{}
	e.Namespace, e.Name = "a", "s1"
	e.Spec.Ports = []corev1.ServicePort{{Name: "http", Port: 80}}
	if external != "" {
		e.Spec.Type, e.Spec.ExternalName = corev1.ServiceTypeExternalName, external
	}
	event := worldtest.Event{Ref: model.ObjectRef{Kind: "Service", Namespace: "a", Name: "s1"}, Object: e}
	s.world.Apply(event)
	s.give(changes([]worldtest.Event{event}))
	s.publish()
	s.now = s.now.Add(settle) // it has no endpoints any more, which waits
	s.publish()
}

func (s *simulation) readAll() {
	for _, c := range s.clients {
		for s.wake(c); len(c.inbox) > 0; {
			s.read(c)
		}
	}
}
