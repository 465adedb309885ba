package snapshot

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/envoy"
)

// spread is a hub with a sidecar in each of some namespaces, and services spread
// over these.
func spread(tb testing.TB, namespaces, services int) (*Hub, *store.Store) {
	tb.Helper()
	h, st := newHub(tb)
	var all []store.Change
	for i := range services {
		all = append(all, serviceIn(fmt.Sprint("ns", i%namespaces), fmt.Sprint("s", i)))
	}
	st.Apply(all)
	h.Publish(time.Now())
	for i := range namespaces {
		p := sidecar("c", "z")
		p.Namespace = fmt.Sprint("ns", i)
		p.ID = p.Namespace + "/c"
		join(tb, h, p)
	}
	return h, st
}

func serviceIn(namespace, name string) store.Change {
	c := service(name)
	c.Ref.Namespace = namespace
	c.Object.(*corev1.Service).Namespace = namespace
	return c
}

// BenchmarkScopeChange adds and removes one service that every scope sees.
func BenchmarkScopeChange(b *testing.B) {
	h, st := spread(b, 150, 1000)
	extra := serviceIn("ns7", "extra")
	b.ReportAllocs()
	for b.Loop() {
		for _, c := range []store.Change{extra, gone(extra)} {
			st.Apply([]store.Change{c})
			h.Publish(time.Now())
		}
	}
}

// BenchmarkColdFill gives a new proxy class its clusters and endpoints.
func BenchmarkColdFill(b *testing.B) {
	h, _ := spread(b, 1, 1000)
	m := join(b, h, sidecar("other", "z"))
	view := m.Take().View
	b.ReportAllocs()
	for b.Loop() {
		for _, name := range view.Names(envoy.ClusterType) {
			for _, typeURL := range []string{envoy.ClusterType, envoy.EndpointType} {
				if view.Get(typeURL, name) == nil {
					b.Fatal(name)
				}
			}
		}
	}
}
