package envoy

import (
	"testing"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	tcpproxyv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"

	"github.com/coastwise/coastwise/translate/model"
)

// tunnelling is a TCP listener into a tunnel.
func tunnelling(tunnel model.Tunnel) Explicit {
	policy := plain()
	policy.Cluster.Tunnel = &tunnel
	s := reviews(policy)
	s.Lookup = map[model.PolicyKey]model.PolicyID{{Port: 80}: 0, {Port: 9000}: 0}
	return Explicit{Listen: model.Listen{At: 15433, Port: 80}, Service: s}
}

func TestTunnel(t *testing.T) {
	for _, c := range []struct {
		tunnel model.Tunnel
		post   bool
	}{
		{model.Tunnel{Target: "target.example:443"}, false},
		{model.Tunnel{Target: "[2001:db8::1]:1", Post: true}, true},
	} {
		r := must[Resource](t)(tunnelling(c.tunnel).Listener("127.0.0.1", 0))
		if err := Validate(r); err != nil {
			t.Error(err)
		}
		tcp := new(tcpproxyv3.TcpProxy)
		unpack(t, decoded(t, r, new(listenerv3.Listener)).FilterChains[0].Filters[0].GetTypedConfig(), tcp)
		if got := tcp.GetTunnelingConfig(); got.GetHostname() != c.tunnel.Target || got.GetUsePost() != c.post {
			t.Errorf("%+v became %v", c.tunnel, got)
		}
	}
}

// No request may go past a tunnel: neither by the HTTP proxy port nor by a listener
// that routes.
func TestNoRouteGoesPastATunnel(t *testing.T) {
	e := tunnelling(model.Tunnel{Target: "target.example:443"})
	e.Port = 9000 // which speaks gRPC
	for _, r := range []Resource{
		must[Resource](t)(Routes(of("default"), []*model.Service{e.Service})), must[Resource](t)(e.Routes(0)),
	} {
		if err := Validate(r); err != nil {
			t.Error(err)
		}
		closed := 0
		for _, h := range decoded(t, r, new(routev3.RouteConfiguration)).GetVirtualHosts() {
			for _, route := range h.GetRoutes() {
				if route.GetRoute() != nil {
					t.Errorf("%s: %v", h.GetName(), route)
				}
				if route.GetDirectResponse().GetStatus() == 503 {
					closed++
				}
			}
		}
		if closed == 0 {
			t.Errorf("%s: nobody is told", r.Name)
		}
	}
}

func TestValidateTunnel(t *testing.T) {
	change := func(spoil func(*tcpproxyv3.TcpProxy_TunnelingConfig)) func(*listenerv3.Listener) {
		return func(l *listenerv3.Listener) {
			filter, m := l.FilterChains[0].Filters[0], new(tcpproxyv3.TcpProxy)
			unpack(t, filter.GetTypedConfig(), m)
			spoil(m.GetTunnelingConfig())
			filter.ConfigType = &listenerv3.Filter_TypedConfig{TypedConfig: pack(m)}
		}
	}
	named := func(hostname string) func(*listenerv3.Listener) {
		return change(func(m *tcpproxyv3.TcpProxy_TunnelingConfig) { m.Hostname = hostname })
	}
	r := must[Resource](t)(tunnelling(model.Tunnel{Target: "target.example:443"}).Listener("127.0.0.1", 0))
	run(t, r, func() *listenerv3.Listener { return new(listenerv3.Listener) }, []spoilt[*listenerv3.Listener]{
		{"a format", named("%DOWNSTREAM_PEER_SUBJECT%:443"), "is not HOST:PORT"},
		{"no port", named("target.example"), "is not HOST:PORT"},
		{"port 0", named("target.example:0"), "is not HOST:PORT"},
		{"no host", named(":443"), "is not HOST:PORT"},
		{"a path", change(func(m *tcpproxyv3.TcpProxy_TunnelingConfig) { m.UsePost, m.PostPath = true, "/x" }), "are not served"},
	})
}
