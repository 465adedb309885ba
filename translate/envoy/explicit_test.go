package envoy

import (
	"testing"
	"time"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tcpproxyv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"

	"github.com/coastwise/coastwise/translate/model"
)

// carrying is a TCP listener in front of port 80, which declares nothing.
func carrying() Explicit {
	idle := 10 * time.Second
	policy := plain()
	policy.Cluster.Pool.TCPIdleTimeout, policy.Cluster.Hash = &idle, &model.Hash{SourceIP: true}
	return Explicit{Listen: model.Listen{At: 15432, Port: 80}, Service: reviews(policy)}
}

func TestExplicitOfTCP(t *testing.T) {
	r := must[Resource](t)(carrying().Listener("127.0.0.2", 0))
	l, tcp := decoded(t, r, new(listenerv3.Listener)), new(tcpproxyv3.TcpProxy)
	unpack(t, l.FilterChains[0].Filters[0].GetTypedConfig(), tcp)
	if r.Name != "listen|15432" || l.GetAddress().GetSocketAddress().GetPortValue() != 15432 || carrying().RouteName() != "" {
		t.Errorf("%s: %v", r.Name, l)
	}
	if tcp.GetCluster() != "outbound|80||reviews.default.svc.cluster.local" || tcp.GetMaxConnectAttempts().GetValue() != 3 ||
		tcp.GetIdleTimeout().AsDuration() != 10*time.Second || tcp.GetHashPolicy()[0].GetSourceIp() == nil || len(tcp.GetAccessLog()) != 1 {
		t.Errorf("%v", tcp)
	}
	e := carrying()
	e.Service.Policies[0].Cluster = model.ClusterSettings{Hash: &model.Hash{Header: "x"}}
	unpack(t, decoded(t, must[Resource](t)(e.Listener("::1", 0)), new(listenerv3.Listener)).FilterChains[0].Filters[0].GetTypedConfig(), tcp)
	if tcp.IdleTimeout != nil || tcp.HashPolicy != nil {
		t.Errorf("nothing is said of TCP: %v", tcp)
	}
}

func TestExplicitOfHTTP(t *testing.T) {
	e := Explicit{Listen: model.Listen{At: 19000, Port: 9000}, Service: reviews(plain())}
	e.Service.Policies[0].Cluster.Hash = &model.Hash{Header: "x-user"}
	r := must[Resource](t)(e.Listener("127.0.0.2", 0))
	hcm := new(hcmv3.HttpConnectionManager)
	unpack(t, decoded(t, r, new(listenerv3.Listener)).FilterChains[0].Filters[0].GetTypedConfig(), hcm)
	routes := must[Resource](t)(e.Routes(0))
	if name := hcm.GetRds().GetRouteConfigName(); name != routes.Name || name != "listen|19000|reviews.default.svc.cluster.local" {
		t.Errorf("routes %q, wanted %q", routes.Name, name)
	}
	for _, r := range []Resource{r, routes} {
		if err := Validate(r); err != nil {
			t.Error(err)
		}
	}
	table := decoded(t, routes, new(routev3.RouteConfiguration))
	to := table.GetVirtualHosts()[0].GetRoutes()[0].GetRoute()
	if table.GetVirtualHosts()[0].GetDomains()[0] != "*" || to.GetCluster() != "outbound|9000||reviews.default.svc.cluster.local" ||
		to.GetHashPolicy()[0].GetHeader().GetHeaderName() != "x-user" || to.GetRetryPolicy() == nil {
		t.Errorf("%v", table)
	}
}

func TestExplicitRefuses(t *testing.T) {
	for _, at := range []uint32{0, 65536} {
		e := carrying()
		e.At = at
		if _, err := e.Listener("127.0.0.1", 0); err == nil {
			t.Errorf("port %d", at)
		}
	}
	if _, err := carrying().Listener("localhost", 0); err == nil {
		t.Error("a name is no address to bind to")
	}
}

func TestValidateTCPListener(t *testing.T) {
	change := func(spoil func(*tcpproxyv3.TcpProxy)) func(*listenerv3.Listener) {
		return func(l *listenerv3.Listener) {
			filter, m := l.FilterChains[0].Filters[0], new(tcpproxyv3.TcpProxy)
			unpack(t, filter.GetTypedConfig(), m)
			spoil(m)
			filter.ConfigType = &listenerv3.Filter_TypedConfig{TypedConfig: pack(m)}
		}
	}
	run(t, must[Resource](t)(carrying().Listener("127.0.0.1", 0)), func() *listenerv3.Listener { return new(listenerv3.Listener) }, []spoilt[*listenerv3.Listener]{
		{"cluster", change(func(m *tcpproxyv3.TcpProxy) {
			m.ClusterSpecifier = &tcpproxyv3.TcpProxy_Cluster{Cluster: "elsewhere"}
		}), `"elsewhere" is not outbound|PORT|SUBSET|HOST`},
		{"backoff", change(func(m *tcpproxyv3.TcpProxy) { m.BackoffOptions = nil }), "backoff_options: missing"},
		{"attempts", change(func(m *tcpproxyv3.TcpProxy) { m.MaxConnectAttempts = nil }), "max_connect_attempts: missing"},
		{"two keys", change(func(m *tcpproxyv3.TcpProxy) {
			m.HashPolicy = []*typev3.HashPolicy{m.HashPolicy[0], m.HashPolicy[0]}
		}), "hash_policy"},
		{"stat prefix", change(func(m *tcpproxyv3.TcpProxy) { m.StatPrefix = "" }), "StatPrefix"},
	})
}
