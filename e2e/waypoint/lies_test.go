package waypoint

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"testing"

	"github.com/coastwise/coastwise/e2e/ztunnel"
)

// liar begins every connection with the same bytes.
type liar struct {
	ztunnel.Sandwich
	first []byte
}

// DialContext implements dialer.
func (l liar) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	return l.DialWith(ctx, l.first)
}

// TestHeadersThatLie: no PROXY header that is wrong brings an answer of a pod, over
// HTTP or TCP, and the traffic of others does not notice.
func TestHeadersThatLie(t *testing.T) {
	m := faultMesh(t, sandwich)
	w := m.waypoint(0)
	g, phase := w.steady(t)
	honest := w.client().(ztunnel.Sandwich)
	nowhere := netip.MustParseAddrPort("10.96.200.200:80")
	for _, vip := range []string{webVIP, dbVIP} {
		truth, err := honest.Header(vip)
		if err != nil {
			t.Fatal(err)
		}
		for _, lie := range truth.Lies(nowhere) {
			if lie.Name == "truncated" && vip == dbVIP {
				continue // a client of db waits for its greeting, and Envoy for the rest
			}
			l := liar{honest, lie.Bytes}
			var answered bool
			if vip == dbVIP {
				_, err := greeted(l, vip)
				answered = err == nil
			} else {
				answered = status(l, vip) == http.StatusOK
			}
			if answered != lie.Harmless {
				t.Errorf("%s, to %s: answered: %v", lie.Name, vip, answered)
			}
		}
	}
	g.Stop()
	if tally := phase.Tally(); len(tally.Failures) > 0 {
		t.Errorf("%d of %d requests of others failed, the first: %s", len(tally.Failures), tally.Requests, tally.Failures[0].What)
	}
	if !w.Running() {
		t.Error("Envoy is gone")
	}
}

// status is what one GET is answered with, 0 for nothing.
func status(d dialer, at string) int {
	transport := &http.Transport{DialContext: d.DialContext, DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport, Timeout: patience}).Get("http://" + at + "/")
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}
