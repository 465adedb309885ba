package kubereplicas_test

import (
	"context"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/authority"
)

const refused = "coastwise_streams_refused_total"

// A token of one Pod that claims another's node or id is refused, and so is a
// certificate of another trust domain: their Envoys get nothing.
func TestWhoClaimsAnothersPlace(t *testing.T) {
	w := newWorld(t, "claims")
	w.apply(w.rule("shop", ownZone))
	good := w.envoy(w.replicas[0], how{})
	good.holds(w.shop[0])
	elsewhere := w.launch(w.replicas[0], how{claims: func(e *envoy) { e.flags.Node = w.nodes[1] }})
	w.replicas[0].counts(refused + `{reason="other_node"}`)
	another := w.launch(w.replicas[1], how{claims: func(e *envoy) { e.flags.ID = good.flags.ID }})
	w.replicas[1].counts(refused + `{reason="other_pod"}`)
	foreign := w.launch(w.replicas[1], how{claims: w.foreign})
	w.replicas[1].counts(`coastwise_unverified_total{reason="certificate"}`)
	time.Sleep(time.Second)
	for _, e := range []*envoy{elsewhere, another, foreign} {
		page, err := e.Get(context.Background(), "/clusters")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(page), "outbound|") {
			t.Errorf("%s was served: %s", e.id, page)
		}
	}
	w.replicas[0].settles(good.id)
	w.replicas[1].settles()
	w.becomes("shop", patience, append(sound(), programmed(1))...)
}

// foreign makes an Envoy show a certificate of our CA for another trust domain, and no
// token.
func (w *world) foreign(e *envoy) {
	w.Helper()
	id, err := url.Parse("spiffe://elsewhere.example/ns/" + w.namespace + "/sa/default")
	if err != nil {
		w.Fatal(err)
	}
	chain, key := w.ca.IssueTo(authority.Holder{URIs: []*url.URL{id}})
	dir := filepath.Dir(e.token)
	w.put(filepath.Join(dir, "client.crt"), chain)
	w.put(filepath.Join(dir, "client.key"), key)
	e.flags.Secure = []string{
		"--ca", filepath.Join(w.server, "ca.crt"), "--server-name", serverName, "--sds-dir", dir,
		"--cert", filepath.Join(dir, "client.crt"), "--key", filepath.Join(dir, "client.key"),
	}
}

// An Envoy whose token is replaced by another Pod's is refused when it connects next,
// and keeps what it had; with its own again it goes on.
func TestTokenOfAnotherPod(t *testing.T) {
	w, a, b := pair(t, "swapped")
	w.apply(w.rule("shop", ownZone))
	w.becomes("shop", patience, append(sound(), programmed(2))...)
	a.holds(w.shop[0])
	end := a.stream()
	w.token(a.token, w.namespace, "default", b.flags.ID)
	time.Sleep(time.Second) // Envoy reads it
	r := w.replicas[0]
	r.Stop(10 * time.Second)
	r.start()
	r.counts(refused + `{reason="other_pod"}`)
	w.apply(w.rule("shop", otherZone))
	b.holds(w.shop[1])
	if err := a.lacks(w.shop[0]); err != nil {
		t.Errorf("it lost what it had: %v", err)
	}
	w.becomes("shop", patience, append(sound(), programmed(1))...)
	w.token(a.token, w.namespace, "default", a.flags.ID)
	a.holds(w.shop[1])
	w.becomes("shop", patience, append(sound(), programmed(2))...)
	end()
}
