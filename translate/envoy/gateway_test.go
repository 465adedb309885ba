package envoy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/proto"

	"github.com/coastwise/coastwise/translate/model"
)

// edgeGateway has two hosts on port 80, and two with certificates and one for the rest
// on 443.
func edgeGateway() *model.GatewayObject {
	to := func(name string) []model.Route {
		return []model.Route{{Backends: []model.Backend{{To: model.BackendTarget{Key: model.ServiceKey("shop", name), Port: 80}, Weight: 1}}}}
	}
	https := func(name, host, domain string) model.GatewayListener {
		return model.GatewayListener{
			Name: name, Port: 443, Hostname: host, Certificates: []model.Credential{{Name: "shop." + name, Dir: "/certs"}},
			Hosts: []model.GatewayHost{{Domain: domain, Routes: to(name)}},
		}
	}
	return &model.GatewayObject{Kind: model.Gateway, Listeners: []model.GatewayListener{
		{Name: "a", Port: 80, Hostname: "a.example", Hosts: []model.GatewayHost{{Domain: "a.example", Routes: to("a")}}},
		{Name: "h", Port: 80, Hosts: []model.GatewayHost{{Domain: "*"}}},
		https("s.a", "a.example", "a.example"), https("wild", "*.w.example", "x.w.example"), https("rest", "", "*"),
	}}
}

func noSettings(model.BackendTarget) model.ClusterSettings { return model.ClusterSettings{} }

// domainsOf are what each domain of a table leads to: the first route's cluster or status.
func domainsOf(t *testing.T, p GatewayPort, name string) []string {
	t.Helper()
	r := must[Resource](t)(p.Routes(name, noSettings))
	if err := Validate(r); err != nil {
		t.Fatal(err)
	}
	c := decoded(t, r, new(routev3.RouteConfiguration))
	if !c.GetIgnorePortInHostMatching() {
		t.Error("a port in the Host header hides the host")
	}
	var out []string
	for _, h := range c.GetVirtualHosts() {
		to := h.GetRoutes()[0].GetRoute().GetCluster()
		if d := h.GetRoutes()[0].GetDirectResponse(); d != nil {
			to = fmt.Sprint(d.GetStatus())
		}
		out = append(out, h.GetDomains()[0]+" "+to)
	}
	return out
}

// Listeners of one port share a listener; all of HTTP share routes, each of HTTPS has its
// own, in which the others' hosts are misdirected.
func TestGatewayRoutes(t *testing.T) {
	ports := GatewayPorts(edgeGateway())
	if len(ports) != 2 || len(GatewayPorts(nil)) != 0 {
		t.Fatalf("%d ports", len(ports))
	}
	if got := ports[0].RouteNames(); !slices.Equal(got, []string{"gateway|80"}) {
		t.Error(got)
	}
	if got := ports[1].RouteNames(); !slices.Equal(got, []string{"gateway|443|s.a", "gateway|443|wild", "gateway|443|rest"}) {
		t.Error(got)
	}
	for name, want := range map[string][]string{
		"gateway|80":       {"a.example outbound|80||a.shop.svc.cluster.local", "* 404"},
		"gateway|443|s.a":  {"a.example outbound|80||s.a.shop.svc.cluster.local", "*.w.example 421", "* 421"},
		"gateway|443|wild": {"x.w.example outbound|80||wild.shop.svc.cluster.local", "a.example 421", "* 421"},
		"gateway|443|rest": {"* outbound|80||rest.shop.svc.cluster.local", "a.example 421", "*.w.example 421"},
	} {
		p := ports[min(1, strings.Count(name, "|")-1)]
		if got := domainsOf(t, p, name); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// What the edge lets in, and what it does not.
func TestGatewayListener(t *testing.T) {
	ports := GatewayPorts(edgeGateway())
	plain := must[Resource](t)(ports[0].Listener("0.0.0.0"))
	encrypted := must[Resource](t)(ports[1].Listener("127.0.0.1"))
	for i, r := range []Resource{plain, encrypted} {
		if err := Validate(r); err != nil {
			t.Fatal(err)
		}
		if err := ValidateGateway(ports[i], r); err != nil {
			t.Fatal(err)
		}
	}
	l := decoded(t, plain, new(listenerv3.Listener))
	if l.GetName() != "gateway|80" || len(l.GetFilterChains()) != 1 || l.GetFilterChains()[0].GetTransportSocket() != nil {
		t.Errorf("%v", l)
	}
	hcm := new(hcmv3.HttpConnectionManager)
	unpack(t, l.FilterChains[0].Filters[0].GetTypedConfig(), hcm)
	if !hcm.GetUseRemoteAddress().GetValue() || !hcm.GetNormalizePath().GetValue() || !hcm.GetMergeSlashes() ||
		hcm.GetRequestHeadersTimeout().AsDuration() != edgeHeadersTimeout || hcm.GetStreamIdleTimeout().AsDuration() != edgeStreamIdle ||
		hcm.GetHttp2ProtocolOptions().GetMaxConcurrentStreams().GetValue() != edgeStreams {
		t.Errorf("an edge that trusts its clients: %v", hcm)
	}
	l = decoded(t, encrypted, new(listenerv3.Listener))
	var names []string
	for _, c := range l.GetFilterChains() {
		down := new(tlsv3.DownstreamTlsContext)
		unpack(t, c.GetTransportSocket().GetTypedConfig(), down)
		common := down.GetCommonTlsContext()
		source := common.GetTlsCertificateSdsSecretConfigs()[0].GetSdsConfig().GetPathConfigSource()
		names = append(names, fmt.Sprintf("%s %s %s", c.GetName(), strings.Join(c.GetFilterChainMatch().GetServerNames(), " "), source.GetPath()))
		if source.GetWatchedDirectory().GetPath() != "/certs" || !slices.Equal(common.GetAlpnProtocols(), []string{"h2", "http/1.1"}) {
			t.Errorf("%v", common)
		}
	}
	want := []string{"s.a a.example /certs/shop.s.a.yaml", "wild *.w.example /certs/shop.wild.yaml", "rest  /certs/shop.rest.yaml"}
	if !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}

// An edit of routes changes no listener, and a new host leaves the chains of others as
// they are.
func TestGatewayListenersHoldStill(t *testing.T) {
	before, g := GatewayPorts(edgeGateway()), edgeGateway()
	g.Listeners[0].Hostname, g.Listeners[0].Hosts[0] = "b.example", model.GatewayHost{Domain: "b.example"}
	g.Listeners[2].Hosts[0].Routes = nil
	more := g.Listeners[3]
	more.Name, more.Hostname = "more", "*.more.example"
	g.Listeners = slices.Insert(g.Listeners, 3, more)
	after := GatewayPorts(g)
	if must[Resource](t)(before[0].Listener("::")).Version != must[Resource](t)(after[0].Listener("::")).Version {
		t.Error("hosts and routes are in the listener of HTTP")
	}
	was := decoded(t, must[Resource](t)(before[1].Listener("::")), new(listenerv3.Listener))
	is := decoded(t, must[Resource](t)(after[1].Listener("::")), new(listenerv3.Listener))
	is.FilterChains = slices.DeleteFunc(is.FilterChains, func(c *listenerv3.FilterChain) bool { return c.GetName() == "more" })
	if !proto.Equal(was, is) {
		t.Error("another host name changes more than its own chain")
	}
}

// A request has the hash key of its backend's policy, and goes past no tunnel.
func TestGatewayRoutesByPolicy(t *testing.T) {
	of := func(to model.BackendTarget) model.ClusterSettings {
		if to.Key.Host == model.ServiceKey("shop", "b").Host {
			return model.ClusterSettings{Tunnel: &model.Tunnel{Target: "a:1"}}
		}
		return model.ClusterSettings{Hash: &model.Hash{Header: "x-user"}}
	}
	g := edgeGateway()
	backends := &g.Listeners[0].Hosts[0].Routes[0].Backends
	*backends = append(*backends, model.Backend{To: model.BackendTarget{Key: model.ServiceKey("shop", "b"), Port: 80}, Weight: 1})
	r := must[Resource](t)(GatewayPorts(g)[0].Routes("gateway|80", of))
	if err := Validate(r); err != nil {
		t.Fatal(err)
	}
	action := decoded(t, r, new(routev3.RouteConfiguration)).GetVirtualHosts()[0].GetRoutes()[0].GetRoute()
	if key := action.GetHashPolicy(); len(key) != 1 || key[0].GetHeader().GetHeaderName() != "x-user" {
		t.Errorf("hash key %v", key)
	}
	if c := action.GetWeightedClusters().GetClusters(); len(c) != 2 || c[1].GetName() != BrokenCluster {
		t.Errorf("clusters %v", c)
	}
	if (*backends)[1].To.Broken {
		t.Error("the model was changed")
	}
}

// The validator refuses what would let in more than was meant, or that Envoy refuses.
func TestGatewayValidation(t *testing.T) {
	port := GatewayPorts(edgeGateway())[1]
	good := must[Resource](t)(port.Listener("127.0.0.1"))
	for name, edit := range map[string]func(*listenerv3.Listener, *tlsv3.DownstreamTlsContext){
		"no tls_inspector": func(l *listenerv3.Listener, _ *tlsv3.DownstreamTlsContext) { l.ListenerFilters = nil },
		"is that of": func(l *listenerv3.Listener, _ *tlsv3.DownstreamTlsContext) {
			l.FilterChains[1].FilterChainMatch = l.FilterChains[0].FilterChainMatch
		},
		"older than 1.2": func(_ *listenerv3.Listener, c *tlsv3.DownstreamTlsContext) { c.CommonTlsContext.TlsParams = nil },
		"has no certificate": func(_ *listenerv3.Listener, c *tlsv3.DownstreamTlsContext) {
			c.CommonTlsContext.TlsCertificateSdsSecretConfigs = nil
		},
		"not in a file of its": func(_ *listenerv3.Listener, c *tlsv3.DownstreamTlsContext) {
			c.CommonTlsContext.TlsCertificateSdsSecretConfigs[0].Name = "x"
		},
		"filter_chain_matcher: mi": func(l *listenerv3.Listener, _ *tlsv3.DownstreamTlsContext) { l.FilterChains[0].TransportSocket = nil },
	} {
		l, c := decoded(t, good, new(listenerv3.Listener)), new(tlsv3.DownstreamTlsContext)
		unpack(t, l.FilterChains[0].GetTransportSocket().GetTypedConfig(), c)
		edit(l, c)
		if l.FilterChains[0].TransportSocket != nil {
			l.FilterChains[0].TransportSocket = socket(tlsSocket, c)
		}
		if err := Validate(must[Resource](t)(encode(ListenerType, good.Name, l))); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	other := port
	other.Listeners = port.Listeners[1:]
	if err := ValidateGateway(other, good); err == nil || !strings.Contains(err.Error(), `"shop.s.a"`) {
		t.Errorf("a secret of another Gateway: %v", err)
	}
}
