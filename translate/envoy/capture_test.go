package envoy

import (
	"slices"
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/protobuf/proto"

	"github.com/coastwise/coastwise/translate/model"
)

// captured are chains of an HTTP and a TCP port, in v4 and v6, and of one without a VIP.
func captured() []Chain {
	s := service("shop", "both", 80, 9000)
	headless := service("default", "headless", 80)
	return []Chain{
		{Service: s, Port: 80, VIPs: []string{"10.96.0.10", "fd00::a"}},
		{Service: s, Port: 9000, VIPs: []string{"10.96.0.10"}},
		{Service: headless, Port: 80},
	}
}

// captureListeners are all forms of a sidecar's listeners beside those of services.
func captureListeners(t *testing.T) []Resource {
	var out []Resource
	for _, chains := range [][]Chain{nil, captured(), mixed()} {
		for _, only := range []bool{false, true} {
			out = append(out,
				must[Resource](t)(Capture("0.0.0.0", "shop", only).Listener(chains)),
				must[Resource](t)(Outbound("shop", only).Listener(chains)))
		}
	}
	return append(out, must[Resource](t)(Inbound("::")), must[Resource](t)(Listener(Listen{Bind: "127.0.0.1", Port: 15080, Connect: true})))
}

func TestCaptureListenersMayBeSent(t *testing.T) {
	for _, r := range captureListeners(t) {
		if err := Validate(r); err != nil {
			t.Error(err)
		}
	}
}

// What may not be sent of those is found.
func TestCaptureIsValidated(t *testing.T) {
	sound := decoded(t, must[Resource](t)(Capture("0.0.0.0", "", false).Listener(captured())), new(listenerv3.Listener))
	for name, spoil := range map[string]func(*listenerv3.Listener){
		"passed on to itself": func(l *listenerv3.Listener) {
			l.GetAddress().GetSocketAddress().PortSpecifier = socketAddress("::1", 9).GetSocketAddress().PortSpecifier
		},
		"no destination":    func(l *listenerv3.Listener) { l.ListenerFilters = nil },
		"no matcher":        func(l *listenerv3.Listener) { l.FilterChainMatcher = nil },
		"chain that is not": func(l *listenerv3.Listener) { l.FilterChains = l.FilterChains[1:] },
		"internal with address": func(l *listenerv3.Listener) {
			l.ListenerSpecifier = &listenerv3.Listener_InternalListener{InternalListener: &listenerv3.Listener_InternalListenerConfig{}}
		},
		"default chain of a cluster that is not": func(l *listenerv3.Listener) { l.DefaultFilterChain = passingOn("elsewhere") },
	} {
		l := proto.CloneOf(sound)
		spoil(l)
		if err := Validate(must[Resource](t)(encode(ListenerType, l.Name, l))); err == nil {
			t.Errorf("%s: may be sent", name)
		}
	}
}

func TestFixedClusters(t *testing.T) {
	for _, name := range FixedClusters(true, true) {
		r := must[Resource](t)(FixedCluster(name))
		if err := Validate(r); err != nil {
			t.Error(err)
		}
		c := decoded(t, r, new(clusterv3.Cluster))
		for what, spoil := range map[string]func(*clusterv3.Cluster){
			"type": func(c *clusterv3.Cluster) {
				c.ClusterDiscoveryType = &clusterv3.Cluster_Type{Type: clusterv3.Cluster_EDS}
			},
			"name":      func(c *clusterv3.Cluster) { c.Name = "other" },
			"limits":    func(c *clusterv3.Cluster) { c.CircuitBreakers = nil },
			"elsewhere": func(c *clusterv3.Cluster) { toInternal(c, "main_internal") },
		} {
			bad := proto.CloneOf(c)
			spoil(bad)
			if err := Validate(must[Resource](t)(encode(ClusterType, bad.Name, bad))); err == nil {
				t.Errorf("%s with another %s may be sent", name, what)
			}
		}
	}
	if _, err := FixedCluster("other"); err == nil {
		t.Error("there is a cluster of any name")
	}
	if got := FixedClusters(false, false); got != nil {
		t.Errorf("a client without capture and CONNECT has %q", got)
	}
}

// A sidecar without the claim has the HTTP proxy port and routes that it always had.
func TestConnectHangsOnTheClaim(t *testing.T) {
	l := decoded(t, must[Resource](t)(Listener(Listen{Bind: "127.0.0.1", Port: 15080})), new(listenerv3.Listener))
	hcm := new(hcmv3.HttpConnectionManager)
	if err := l.GetFilterChains()[0].GetFilters()[0].GetTypedConfig().UnmarshalTo(hcm); err != nil {
		t.Fatal(err)
	}
	if len(hcm.GetUpgradeConfigs()) != 1 || len(hcm.GetHttpFilters()) != 1 || hcm.GetHttp2ProtocolOptions() != nil {
		t.Errorf("without CONNECT: %v", hcm)
	}
	with := model.Proxy{Kind: model.Sidecar, Namespace: "shop", Internal: true, Connect: true, HTTPProxyPort: 15080}
	without := with
	without.Internal = false
	plain := must[Resource](t)(Routes(model.Proxy{Kind: model.Sidecar, Namespace: "shop"}, many(3)))
	if r := must[Resource](t)(Routes(without, many(3))); r.Version != plain.Version {
		t.Error("a client without the claim has other routes")
	}
	r := must[Resource](t)(Routes(with, many(3)))
	if r.Version == plain.Version {
		t.Error("a client with the claim cannot CONNECT")
	}
	if err := Validate(r); err != nil {
		t.Error(err)
	}
}

// An authority is a name in the clients' words, or an address.
func TestAuthoritiesOfChains(t *testing.T) {
	names := Outbound("shop", false).matcher(captured()).GetMatcherTree().GetExactMatchMap().GetMap()
	for _, want := range []string{
		"both:80", "both.shop:9000", "both.shop.svc.cluster.local:80", "10.96.0.10:9000", "[fd00::a]:80", "headless.default:80",
	} {
		if names[want] == nil {
			t.Errorf("%s leads nowhere", want)
		}
	}
	if names["headless:80"] != nil {
		t.Error("another namespace's service has its bare name here")
	}
	var hosts []string
	for _, c := range captured() {
		hosts = append(hosts, c.Name())
	}
	l := decoded(t, must[Resource](t)(Capture("::", "shop", true).Listener(captured())), new(listenerv3.Listener))
	var chains []string
	for _, c := range l.GetFilterChains() {
		chains = append(chains, c.GetName())
	}
	if want := append(hosts[:2:2], nowhereChain); !slices.Equal(chains, want) {
		t.Errorf("captured: %q, not %q", chains, want)
	}
	if l.GetDefaultFilterChain() != nil || !l.GetAddress().GetSocketAddress().GetIpv4Compat() {
		t.Errorf("REGISTRY_ONLY on ::: %v", l)
	}
}
