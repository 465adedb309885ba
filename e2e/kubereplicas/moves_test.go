package kubereplicas_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/traffic"
)

// versions are those of what an Envoy holds, by name, as it was sent them.
func (e *envoy) versions() (map[string]string, error) {
	page, err := e.Get(context.Background(), "/config_dump?include_eds")
	if err != nil {
		return nil, err
	}
	var dump struct {
		Configs []struct {
			Clusters []struct {
				Version string `json:"version_info"`
				Cluster struct {
					Name string `json:"name"`
				} `json:"cluster"`
			} `json:"dynamic_active_clusters"`
			Listeners []struct {
				Name   string `json:"name"`
				Active struct {
					Version string `json:"version_info"`
				} `json:"active_state"`
			} `json:"dynamic_listeners"`
			Routes []struct {
				Version string `json:"version_info"`
				Route   struct {
					Name string `json:"name"`
				} `json:"route_config"`
			} `json:"dynamic_route_configs"`
		} `json:"configs"`
	}
	if err := json.Unmarshal(page, &dump); err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, c := range dump.Configs {
		for _, x := range c.Clusters {
			out["cluster "+x.Cluster.Name] = x.Version
		}
		for _, x := range c.Listeners {
			out["listener "+x.Name] = x.Active.Version
		}
		for _, x := range c.Routes {
			out["route "+x.Route.Name] = x.Version
		}
	}
	return out, nil
}

// The same objects give the same versions on both replicas.
func TestSameVersions(t *testing.T) {
	w, a, b := pair(t, "versions")
	w.apply(w.rule("shop", ownZone))
	w.becomes("shop", patience, append(sound(), programmed(2))...)
	of := func(e *envoy) map[string]string {
		out, err := e.versions()
		if err != nil {
			t.Fatal(err)
		}
		// Listeners are at the Pod's own address.
		maps.DeleteFunc(out, func(name, _ string) bool { return strings.HasPrefix(name, "listener ") })
		return out
	}
	one, other := of(a), of(b)
	if one["cluster "+w.outbound("shop")] == "" {
		t.Fatalf("no version of shop in %v", one)
	}
	if !maps.Equal(one, other) {
		t.Errorf("one replica gives %v, the other %v", one, other)
	}
	t.Logf("%d equal versions", len(one))
}

// next ends a replica as Kubernetes does when a Deployment is rolled: the Pod is
// deleted, the process told to end, and when it has ended another Pod takes over.
func (w *world) next(i int) {
	w.Helper()
	old := w.replicas[i]
	if err := w.cluster.Client().CoreV1().Pods(system).Delete(context.Background(), old.name, metav1.DeleteOptions{}); err != nil {
		w.Fatal(err)
	}
	old.Signal(syscall.SIGTERM)
	w.cluster.SetReady(w, system, old.name, false)
	select {
	case <-old.Done():
	case <-time.After(patience):
		w.Fatalf("%s does not end", old.name)
	}
	if err := old.Err(); err != nil {
		w.Errorf("%s: %v", old.name, err)
	}
	w.cluster.Remove(w, system, old.name)
}

// Both replicas are replaced, one after the other, while Envoys that prove themselves
// by tokens carry traffic: no request fails, and an Envoy that had all it asked for is
// sent no bodies where it goes.
func TestRollingRestart(t *testing.T) {
	const envoys = 3
	w := newWorld(t, "rolling")
	w.apply(w.rule("shop", ownZone))
	var all []*envoy
	var ids []string
	var ends []func() traffic.Tally
	for range envoys {
		e := w.envoy(w.replicas[0], how{more: []*replica{w.replicas[1]}})
		e.holds(w.shop[0])
		all, ids, ends = append(all, e), append(ids, e.id), append(ends, e.stream())
	}
	w.becomes("shop", patience, append(sound(), programmed(envoys))...)
	came := 0
	for i, leaving := range []int{0, 1} {
		staying := w.replicas[1-leaving]
		stays := map[string]bool{}
		for _, id := range staying.connected(t) {
			stays[id] = true
		}
		began := time.Now()
		w.next(leaving)
		for _, p := range staying.settles(slices.Clone(ids)...) {
			if stays[p.ID] {
				continue
			}
			came++
			if n := p.bytes(); n != 0 {
				t.Errorf("%s was sent %d bytes where it came to", p.ID, n)
			}
		}
		t.Logf("round %d: the replica ended and its proxies had moved after %v", i, time.Since(began))
		w.replicas[leaving] = w.replica(w.replicas[leaving].ip, w.nodes[leaving])
	}
	// In the second round all hung on the one that left.
	if came < envoys {
		t.Errorf("only %d proxies moved", came)
	}
	t.Logf("%d moves, 0 bytes of bodies", came)
	w.apply(w.rule("shop", otherZone))
	for _, e := range all {
		e.holds(w.shop[1])
	}
	t.Logf("from kubectl's return to Programmed by whoever leads now: %v", w.becomes("shop", patience, append(sound(), programmed(envoys))...))
	requests := 0
	for _, end := range ends {
		requests += end().Requests
	}
	t.Logf("%d requests", requests)
}

// connected are the ids of who hangs on a replica.
func (r *replica) connected(t *testing.T) []string {
	t.Helper()
	var list []proxy
	cluster.Eventually(t, patience, func() error {
		page, err := r.page("/proxies")
		if err != nil {
			return err
		}
		return json.Unmarshal([]byte(page), &list)
	})
	out := []string{}
	for _, p := range list {
		out = append(out, p.ID)
	}
	return out
}
