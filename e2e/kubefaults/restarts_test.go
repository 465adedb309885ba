package kubefaults_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/ads"
	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/kube"
)

const restarts = 20

// coastwise is killed and started again 20 times under traffic. No request fails; no
// client is ever told of fewer clusters than there are; a client that holds what it
// should is sent no resource by the new process, which counts; and what changed while
// it was dead arrives, and only that.
func TestRestarts(t *testing.T) {
	c := shared.For(t)
	prepareShared(t, c)
	z := newShop(kube.New(t, c, tools), "restarts")
	c.Apply(t, z.service("beside"))
	r := &reborn{shop: z, clients: []*kube.Client{z.client(), z.client()}}
	r.observers = []*observer{z.observe(false, z.cluster(), r.beside()), z.observe(true, z.cluster(), r.beside())}
	r.clusters = len(r.observers[0].Held(ads.Cluster))
	if r.clusters < 2 {
		t.Fatalf("%d clusters", r.clusters)
	}
	var streams []*kube.Stream
	for _, client := range r.clients {
		streams = append(streams, client.Stream(z.host))
	}
	requests := 0
	var ready, back []time.Duration
	for n := range restarts {
		killed := time.Now()
		r.heard = [2]int{len(r.observers[0].Heard()), len(r.observers[1].Heard())}
		changes := n%5 == 4
		if changes {
			z.Restart(func() { c.Apply(t, z.turn()) })
		} else {
			z.Restart(nil)
			ready = append(ready, time.Since(killed))
		}
		r.reconnect()
		back = append(back, time.Since(killed))
		r.settled(changes)
		for _, s := range streams {
			requests += s.Next().Requests
		}
	}
	for _, s := range streams {
		requests += s.End().Requests
	}
	t.Logf("%d restarts: ready %v after the kill (median; at most %v), all four clients back after %v (at most %v); %d requests, none failed",
		restarts, median(ready), slices.Max(ready).Round(time.Millisecond), median(back), slices.Max(back).Round(time.Millisecond), requests)
}

func median(all []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(all))[len(all)/2].Round(time.Millisecond)
}

// reborn is a shop whose coastwise is killed and started again. The first observer
// speaks delta, the second state of the world.
type reborn struct {
	*shop
	clients   []*kube.Client
	observers []*observer
	clusters  int
	heard     [2]int // responses before the restart
}

func (r *reborn) beside() string { return kube.Outbound(r.namespace, "beside") }

// reconnect lets the observers come back, and returns when the Envoys have too.
func (r *reborn) reconnect() {
	r.Helper()
	for _, o := range r.observers {
		r.connect(o.Client)
	}
	cluster.Eventually(r, kube.Patience, func() error {
		if n := metric(r.Scene, "coastwise_proxies", ""); n != 4 {
			return fmt.Errorf("%v clients are connected, not 4", n)
		}
		return nil
	})
}

// settled checks what the new process said to clients that held what it would say,
// but for what changed.
func (r *reborn) settled(changed bool) {
	r.Helper()
	cluster.Eventually(r, kube.Patience, func() error {
		var errs []error
		for _, c := range r.clients {
			errs = append(errs, c.Lacks(r.cluster(), r.lists()...))
		}
		if clusters, endpoints := r.answered(); len(clusters) == 0 || endpoints < 2 {
			errs = append(errs, fmt.Errorf("the client of a state of the world was sent clusters %d times, and endpoints of %d", len(clusters), endpoints))
		}
		return errors.Join(errs...)
	})
	time.Sleep(200 * time.Millisecond) // for what should not come
	for _, h := range r.observers[0].Heard()[r.heard[0]:] {
		if len(h.Removed) > 0 || !changed && len(h.Names) > 0 || slices.Contains(h.Names, r.beside()) {
			r.Errorf("the delta client was sent %s %q, without %q, though %v changed", h.Type, h.Names, h.Removed, changed)
		}
	}
	clusters, _ := r.answered()
	for _, n := range clusters { // what is not among them is gone
		if n != r.clusters {
			r.Errorf("the client of a state of the world was sent %d of %d clusters", n, r.clusters)
		}
	}
	r.counted(changed)
}

// answered is what the new process said to the client of a state of the world: how
// many clusters each time, and endpoints of how many in all.
func (r *reborn) answered() (clusters []int, endpoints int) {
	for _, h := range r.observers[1].Heard()[r.heard[1]:] {
		switch h.Type {
		case ads.Cluster:
			clusters = append(clusters, len(h.Names))
		case ads.Endpoint:
			endpoints += len(h.Names)
		}
	}
	return clusters, endpoints
}

// counted checks what the new process counts as sent to the Envoys: nothing, but for
// the cluster and the endpoints that changed.
func (r *reborn) counted(changed bool) {
	r.Helper()
	sent := metric(r.Scene, "coastwise_push_resources_total", "")
	for i, o := range r.observers {
		for _, h := range o.Heard()[r.heard[i]:] {
			sent -= float64(len(h.Names))
		}
	}
	if most := 2 * float64(len(r.clients)); !changed && sent != 0 || sent > most {
		r.Errorf("the Envoys were sent %v resources, though something changed: %v", sent, changed)
	}
}
