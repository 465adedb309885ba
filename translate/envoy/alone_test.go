package envoy

import (
	"slices"
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"google.golang.org/protobuf/proto"

	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
)

// original is an entry that goes where its client goes, and its chains: of the blocks, or
// of its ports alone.
func original(host string, blocks []string, ports ...model.Port) []Chain {
	s := &model.Service{
		Key: model.Key{Namespace: "shop", Host: host}, Name: "entry", HostField: "spec.hosts[0]",
		Resolution: model.OriginalDestination, Blocks: blocks, Ports: ports,
		Policies: []model.Policy{{Algorithm: model.Passthrough}},
	}
	var out []Chain
	for _, p := range ports {
		out = append(out, Chain{Service: s, Port: p.Number, Blocks: blocks, Alone: s.Alone()})
	}
	return out
}

// mixed are chains by address, by block and by port alone, also of the proxy's own ports.
func mixed() []Chain {
	own := model.Port{Number: model.CapturePort, Protocol: model.ProtocolTCP}
	ownHTTP := model.Port{Number: model.InboundPort, Protocol: model.ProtocolHTTP}
	return slices.Concat(
		chained("vip", []string{"10.0.0.1"}, tcpPort, own),
		original("block.example", []string{"10.0.0.0/8", "fd00::/8"}, tcpPort, own),
		original("tcp.example", nil, model.Port{Number: 7000, Protocol: model.ProtocolTCP}, own),
		original("web.example", nil, httpPort, ownHTTP),
		original("*.api.example", nil, httpPort))
}

func TestEntranceTellsBlocksAndPortsApart(t *testing.T) {
	const vip = "||vip.default.svc.cluster.local"
	for _, e := range []Entrance{Capture("0.0.0.0", "shop", true), Outbound("shop", true)} {
		l := listenerOf(t, e, mixed())
		got := leads(t, l.GetFilterChainMatcher())
		for way, chain := range map[string]string{
			"10.0.0.1/32 9000":  "outbound|9000" + vip,
			"10.0.0.1/32 15001": "outbound|15001" + vip, // balanced, it goes elsewhere
			"10.0.0.0/8 9000":   "outbound|9000||block.example",
			"fd00::/8 9000":     "outbound|9000||block.example",
			"10.0.0.0/8 15001":  nowhereChain,
			"7000":              "outbound|7000||tcp.example",
			"80":                "original|80",
			"15001":             nowhereChain,
			"15006":             nowhereChain,
			"9000":              "",
		} {
			if got[way] != chain {
				t.Errorf("%s: %s leads to %q, want %q", e.Name, way, got[way], chain)
			}
		}
		var names []string
		for _, c := range l.GetFilterChains() {
			names = append(names, c.GetName())
		}
		for name, want := range map[string]bool{
			"original|80": true, "original|15006": false, "outbound|15001||block.example": false, "outbound|15001||tcp.example": false,
			"outbound|7000||tcp.example": true, "outbound|80||web.example": e.Authority,
		} {
			if slices.Contains(names, name) != want {
				t.Errorf("%s: chain %s is there: %v", e.Name, name, !want)
			}
		}
	}
	if got := leads(t, listenerOf(t, Outbound("shop", true), mixed()).GetFilterChainMatcher())["tcp.example:15001"]; got != nowhereChain {
		t.Errorf("CONNECT to a name at the proxy's own port leads to %q", got)
	}
}

// A host that comes is in the routes alone: its chain, and those of others, stay.
func TestAloneRoutes(t *testing.T) {
	before := original("web.example", nil, httpPort)
	after := slices.Concat(before, original("*.api.example", nil, httpPort))
	e := Capture("0.0.0.0", "shop", true)
	if !proto.Equal(listenerOf(t, e, before), listenerOf(t, e, after)) {
		t.Error("another host changes the listener")
	}
	for _, c := range []struct {
		registryOnly bool
		rest         func(*routev3.Route) bool
	}{
		{true, func(r *routev3.Route) bool { return r.GetDirectResponse().GetStatus() == 502 }},
		{false, func(r *routev3.Route) bool { return r.GetRoute().GetCluster() == PassthroughCluster }},
	} {
		r := must[Resource](t)(AloneRoutes(80, after, c.registryOnly))
		if err := Validate(r); err != nil {
			t.Fatal(err)
		}
		got := decoded(t, r, new(routev3.RouteConfiguration))
		to := map[string]*routev3.Route{}
		for _, h := range got.GetVirtualHosts() {
			for _, d := range h.GetDomains() {
				to[d] = h.GetRoutes()[0]
			}
		}
		if len(to) != 3 || !got.GetIgnorePortInHostMatching() ||
			to["web.example"].GetRoute().GetCluster() != "outbound|80||web.example" || to["*.api.example"].GetRoute().GetCluster() != "outbound|80||*.api.example" {
			t.Errorf("routes of the port: %v", got)
		}
		if !c.rest(to["*"]) {
			t.Errorf("REGISTRY_ONLY %v: other hosts get %v", c.registryOnly, to["*"])
		}
	}
	if r := must[Resource](t)(encode(RouteType, "other", &routev3.RouteConfiguration{Name: "other", VirtualHosts: []*routev3.VirtualHost{{
		Name: "x", Domains: []string{"*"}, Routes: toCluster(PassthroughCluster, model.ClusterSettings{}, defaults(model.Plain, false, "")),
	}}})); Validate(r) == nil {
		t.Error("other routes may lead to original destinations")
	}
}

// What a client sends must not choose where an ORIGINAL_DST cluster connects, and a
// listener that may pass on closes its own port whatever the mode is.
func TestOriginalIsValidated(t *testing.T) {
	s := original("block.example", []string{"10.0.0.0/8"}, tcpPort)[0].Service
	c := decoded(t, must[Resource](t)(Cluster(s, model.Variant{Port: 9000}, locality.Assignment{})), new(clusterv3.Cluster))
	if c.GetType() != clusterv3.Cluster_ORIGINAL_DST || c.GetCleanupInterval().AsDuration() != hostsKept {
		t.Errorf("NONE: %v", c)
	}
	c.LbConfig = &clusterv3.Cluster_OriginalDstLbConfig_{OriginalDstLbConfig: &clusterv3.Cluster_OriginalDstLbConfig{UseHttpHeader: true}}
	if Validate(must[Resource](t)(encode(ClusterType, c.Name, c))) == nil {
		t.Error("a header may choose the destination")
	}
	l := listenerOf(t, Capture("0.0.0.0", "shop", true), mixed())
	l.FilterChainMatcher = nil
	l.FilterChains = slices.DeleteFunc(l.FilterChains, func(c *listenerv3.FilterChain) bool { return c.Name != "original|80" })
	if Validate(must[Resource](t)(encode(ListenerType, l.Name, l))) == nil {
		t.Error("under REGISTRY_ONLY the listener may pass connections on to itself")
	}
}
