package waypoint

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/coastwise/coastwise/e2e/authority"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// TestWhoIsTold: an application is told its client's identity, and never what the client
// says of itself; tunnels lead to services by virtual IP and, where the waypoint ends them,
// by name, and nowhere else.
func TestWhoIsTold(t *testing.T) {
	for name, f := range forms {
		t.Run(name, func(t *testing.T) { whoIsTold(t, f) })
	}
}

func whoIsTold(t *testing.T, f form) {
	m := faultMesh(t, f)
	w := m.waypoint(0)
	web, db := []string{webVIP}, []string{dbVIP}
	nowhere := []string{"10.96.200.200:80", strings.Replace(webVIP, ":80", ":81", 1)}
	if f.hbone {
		web, db = append(web, webHost+":80"), append(db, dbHost+":9000")
		nowhere = append(nowhere, webHost+":81", "nobody.default.svc.cluster.local:80", "web:80")
	}
	own := []string{"URI=" + authority.Member("default", "client").String()}
	d := w.client()
	for _, at := range web {
		for _, lie := range []string{"", "URI=spiffe://cluster.local/ns/default/sa/admin"} {
			got := ask(t, d, http.MethodGet, at, map[string]string{clientHeader: lie})
			if got.status != http.StatusOK || !slices.Equal(got.told, own) || m.zoneOf(got.from) != places[0].zone {
				t.Errorf("GET %s that says %q of its client: %+v, want %q", at, lie, got, own)
			}
		}
	}
	for _, at := range db {
		if from, err := greeted(d, at); err != nil || m.zoneOf(from) != places[0].zone {
			t.Errorf("%s: %q, %v", at, from, err)
		}
	}
	for _, at := range nowhere {
		if got := status(d, at); got == http.StatusOK {
			t.Errorf("%s is answered", at)
		}
		if from, err := greeted(d, at); err == nil {
			t.Errorf("%s is answered by %s", at, from)
		}
	}
}

// lasting is a policy that keeps to the zone and ejects nothing.
const lasting = "{loadBalancer: {localityLbSetting: {enabled: true}}, outlierDetection: {consecutive5xxErrors: 100000}}"

// TestRepeatedWhereSafe: what breaks off after a pod has begun to serve it is repeated in
// another zone, once, if its method is idempotent and a route or the form of the waypoint
// asks for it; all else reaches one pod and no more.
func TestRepeatedWhereSafe(t *testing.T) {
	for name, f := range forms {
		t.Run(name, func(t *testing.T) { repeated(t, f) })
	}
}

func repeated(t *testing.T, f form) {
	const routedVIP, bareVIP = "10.96.1.20", "10.96.1.21"
	m := newMesh(t, f, nil, func(m *mesh) map[string]string {
		whole := layout{ready: [3]int{perZone, perZone, perZone}}
		return map[string]string{
			"routed.yaml": manifest.Join(service("routed", routedVIP, 80, "http"), m.slice("routed", httpPort, whole),
				manifest.Rule("default", "routed", "routed", lasting), retries("routed")),
			"bare.yaml": manifest.Join(service("bare", bareVIP, 80, "http"), m.slice("bare", httpPort, whole),
				manifest.Rule("default", "bare", "bare", lasting)),
		}
	})
	d := m.waypoint(0).client()
	for _, c := range []struct {
		method, vip string
		repeats     bool
	}{
		{http.MethodGet, routedVIP, true},
		{http.MethodPut, routedVIP, true},
		{http.MethodPost, routedVIP, false},
		{http.MethodPatch, routedVIP, false},
		{http.MethodGet, bareVIP, f.hbone},
		{http.MethodDelete, bareVIP, f.hbone},
		{http.MethodPost, bareVIP, false},
	} {
		for n := range 5 {
			name := fmt.Sprintf("%s-%s-%d", c.method, c.vip, n)
			got := ask(t, d, c.method, c.vip+":80", map[string]string{nameHeader: name, breakHeader: places[0].zone})
			want, code := [3]int{1, 0, 0}, http.StatusServiceUnavailable
			if c.repeats {
				want, code = [3]int{1, 1, 0}, http.StatusOK
			}
			if came := m.came(name); came != want || got.status != code {
				t.Fatalf("%s: status %d, and %v reached the zones' pods; want %d and %v", name, got.status, came, code, want)
			}
		}
	}
}
