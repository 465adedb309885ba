package envoy

import (
	"regexp"
	"slices"
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"

	"github.com/coastwise/coastwise/translate/model"
)

// Applications are told who the peer is where that is known; of a PROXY header the
// listener keeps it.
func TestApplicationsAreToldOfThePeer(t *testing.T) {
	const told = "envoy.filters.http.header_mutation"
	plain := filtersOf(t, Entrance{Name: CaptureListener, Bind: "127.0.0.1", Port: 15001, Own: []uint32{15001}})
	for _, c := range []struct {
		e    Entrance
		want []string
	}{
		{Entrance{Principal: true}, []string{told}},
		{Entrance{Principal: true, Proxied: true}, []string{told}},
		{Entrance{Proxied: true}, nil},
	} {
		c.e.Name, c.e.Bind, c.e.Port = WaypointListener, "127.0.0.1", 15088
		if got, want := filtersOf(t, c.e), slices.Concat(c.want, plain); !slices.Equal(got, want) {
			t.Errorf("%+v has the filters %q, want %q", c.e, got, want)
		}
	}
}

// filtersOf are the HTTP filters of the chain of a port that speaks HTTP.
func filtersOf(t *testing.T, e Entrance) []string {
	t.Helper()
	l := listenerOf(t, e, chained("a", []string{"10.96.0.1"}, httpPort))
	hcm := new(hcmv3.HttpConnectionManager)
	unpack(t, l.GetFilterChains()[0].GetFilters()[0].GetTypedConfig(), hcm)
	var names []string
	for _, f := range hcm.GetHttpFilters() {
		names = append(names, f.GetName())
	}
	return names
}

// What leads back to the proxy is closed, if it is one port only, and beside services.
func TestEntranceClosesItsOwnPorts(t *testing.T) {
	e := Entrance{Name: CaptureListener, Bind: "127.0.0.1", Port: 15001, Own: []uint32{15001}}
	l := listenerOf(t, e, chained("a", []string{"10.96.0.1"}, httpPort))
	if n := len(l.GetFilterChains()); n != 2 || l.GetFilterChains()[1].GetName() != nowhereChain {
		t.Errorf("%d chains: %v", n, l.GetFilterChains())
	}
}

// Tunnels have no timeout, and of names that are no host's only addresses come back in.
func TestConnectRoutes(t *testing.T) {
	r := reenterByAddress()
	for name, route := range map[string]*routev3.Route{"CONNECT": connectTo(OutboundListener, connectMatch()), "by address": r} {
		if timeout := route.GetRoute().GetTimeout(); timeout == nil || timeout.AsDuration() != 0 {
			t.Errorf("%s: a tunnel ends after %v", name, timeout)
		}
	}
	if len(r.GetMatch().GetHeaders()) != 1 || r.GetMatch().GetHeaders()[0].GetName() != ":authority" {
		t.Fatalf("every name is let in: %v", r)
	}
	whole := regexp.MustCompile("^(?:" + r.GetMatch().GetHeaders()[0].GetStringMatch().GetSafeRegex().GetRegex() + ")$")
	for authority, is := range map[string]bool{"10.0.0.1:80": true, "[fd00::1]:80": true, "nobody.example:80": false, "10.example:80": false} {
		if whole.MatchString(authority) != is {
			t.Errorf("%s comes back in: %v", authority, !is)
		}
	}
}

// One identity needs no choice among sockets.
func TestTunnelsOfOneIdentity(t *testing.T) {
	s, _ := tunnelled()
	s.Ports[1].Endpoints = s.Ports[1].Endpoints[:1]
	r := must[Resource](t)(Tunnel(s, model.Variant{Port: 9000, View: atHBONE}))
	if c := decoded(t, r, new(clusterv3.Cluster)); len(c.GetTransportSocketMatches()) != 0 || c.GetTransportSocket() == nil {
		t.Errorf("%v", c)
	}
}
