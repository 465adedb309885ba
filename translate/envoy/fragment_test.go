package envoy

import (
	"bytes"
	"testing"

	"github.com/coastwise/coastwise/translate/model"
)

// Routes that are joined of fragments are, byte for byte, those that are made whole.
func TestJoinedRoutesAreRoutes(t *testing.T) {
	tunnel := tunnelling(model.Tunnel{Target: "target.example:443"}).Service
	tunnel.Key, tunnel.Name = model.ServiceKey("z", "tunnel"), "tunnel"
	entry := &model.Service{Key: model.Key{Namespace: "z", Host: "api.example.com"}, Name: "entry", Ports: []model.Port{{Number: 443}}}
	for _, services := range [][]*model.Service{
		nil,
		many(20),
		{service("a", "both", 80, 9000), service("a", "many", 81, 9000), service("b", "one", 8080), service("b", "portless")},
		append(append(many(3), hashing()[1:]...), tunnel, entry),
	} {
		for _, client := range []model.Proxy{of("default"), of("a"), of("nowhere"), {Kind: model.Waypoint, Namespace: "a"}, {Kind: model.Sidecar, Namespace: "a", Internal: true, Connect: true, HTTPProxyPort: 15080}} {
			var fragments []Fragment
			for _, s := range services {
				fragments = append(fragments, must[Fragment](t)(RouteFragment(client, s)))
			}
			joined, ok := JoinRoutes(fragments, Connects(client))
			whole := must[Resource](t)(Routes(client, services))
			if !ok || !bytes.Equal(joined.Body, whole.Body) || joined.Version != whole.Version || joined.Name != whole.Name {
				t.Errorf("%d services for %+v: %t\n%q\n%q", len(services), client, ok, joined.Body, whole.Body)
			}
		}
	}
}

// Where two may claim one domain only the whole can tell whose it is.
func TestJoinRoutesOfOneName(t *testing.T) {
	entry := func(namespace, host string) *model.Service {
		return &model.Service{Key: model.Key{Namespace: namespace, Host: host}, Ports: []model.Port{{Number: 80}}}
	}
	for _, services := range [][]*model.Service{
		{service("a", "s", 80), entry("b", "s.a")},
		{service("a", "s", 80), entry("b", "s")},
		{entry("a", "api.example.com"), entry("b", "api.example.com")},
		{entry("a", "*")},
	} {
		var fragments []Fragment
		for _, s := range services {
			fragments = append(fragments, must[Fragment](t)(RouteFragment(of("a"), s)))
		}
		if r, ok := JoinRoutes(fragments, false); ok {
			t.Errorf("%s: joined to %q", services[0].Host, r.Body)
		}
	}
}

func TestRouteFragmentRefuses(t *testing.T) {
	if _, err := RouteFragment(of("a"), service("a", "\xff", 80)); err == nil {
		t.Error("a name that is not UTF-8")
	}
}
