package e2e

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	routerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"sigs.k8s.io/yaml"

	"github.com/coastwise/coastwise/e2e/manifest"
)

// randomPlaces are the places of random set-ups.
var randomPlaces = []struct{ region, zone string }{{"eu", "eu-1"}, {"eu", "eu-2"}, {"us", "us-1"}, {"ap", "ap-1"}}

// most is how many endpoints of a zone run.
const most = 4

// setup is one Service, or one ServiceEntry whose endpoints have weights, in some
// layout, with or without a rule.
type setup struct {
	name, subset string
	weighted     bool
	client       int
	text         string
}

func (s setup) cluster() string {
	if s.weighted {
		return fmt.Sprintf("outbound|80|%s|%s", s.subset, s.host())
	}
	return fmt.Sprintf("outbound|80|%s|%s.default.svc.cluster.local", s.subset, s.name)
}

// host is what clients ask for.
func (s setup) host() string {
	if s.weighted {
		return s.name + ".example"
	}
	return s.name + ".default"
}

// workers is how many requests may be in flight: what LEAST_REQUEST makes of different
// weights is predicted for one (TestLeastRequestUnderLoad).
func (s setup) workers() int {
	if s.weighted {
		return 1
	}
	return 4
}

// withVIP is its text with a virtual IP.
func (s setup) withVIP(ip string) string {
	if s.weighted {
		return strings.Replace(s.text, "spec:\n", "spec:\n  addresses: ["+ip+"]\n", 1)
	}
	return strings.Replace(s.text, "spec:\n", "spec:\n  clusterIP: "+ip+"\n", 1)
}

// subsetHost is the host under which the subset listener has it.
func (s setup) subsetHost() string { return s.subset + "." + s.name }

// draw writes the n-th set-up.
func (w *randomWorld) draw(r *rand.Rand, n int) setup {
	s := setup{name: fmt.Sprintf("svc%d", n), client: []int{0, 0, 1, 2, 3}[r.IntN(5)], weighted: r.IntN(3) == 0}
	hints := !s.weighted && r.IntN(8) == 0
	var documents []string
	if s.weighted {
		documents = w.drawEntry(r, s)
	} else {
		spec := ""
		if hints {
			spec = "  trafficDistribution: PreferSameZone\n"
		}
		documents = []string{
			manifest.Service("default", s.name, 80, spec),
			manifest.Slice("default", s.name, s.name+"-1", w.ports.Backend, w.drawEndpoints(r, hints)),
		}
	}
	policy := drawPolicy(r)
	if r.IntN(5) == 0 {
		s.subset = []string{"v1", "v2"}[r.IntN(2)]
	}
	for s.subset != "" && policy == "" { // an empty trafficPolicy is refused
		policy = drawPolicy(r)
	}
	if s.subset != "" || policy != "" && !hints {
		rule := manifest.Rule("default", s.name, s.host(), "{"+policy+"}")
		if s.subset != "" {
			rule += fmt.Sprintf("  subsets: [{name: %s, labels: {version: %s}}]\n", s.subset, s.subset)
		}
		documents = append(documents, rule)
	}
	s.text = manifest.Join(documents...)
	return s
}

// drawEndpoints: what is ready runs, what is not does not. Some have no zone.
func (w *randomWorld) drawEndpoints(r *rand.Rand, hints bool) []manifest.Endpoint {
	var out []manifest.Endpoint
	for len(out) == 0 {
		for zone, p := range randomPlaces {
			ready, unready := r.IntN(most+1), max(0, r.IntN(6)-2)
			for n := range ready + unready {
				e := manifest.Endpoint{
					Address: w.endpoint(zone, n), Zone: p.zone, Node: "node-" + p.zone,
					Pod: fmt.Sprintf("pod-%s-v%d", p.zone, 1+n%2),
				}
				if n >= ready {
					e.Address, e.Unready = w.block.Address(2+zone, 100+n), true
				}
				if hints {
					e.ZoneHint = p.zone
				} else if r.IntN(20) == 0 {
					e.Zone, e.Node, e.Pod = "", "", ""
				}
				out = append(out, e)
			}
		}
	}
	return out
}

// drawEntry is a ServiceEntry, the WorkloadEntries behind it, which run, and the Pods
// that are not ready, in the layout of drawEndpoints.
func (w *randomWorld) drawEntry(r *rand.Rand, s setup) []string {
	documents := []string{fmt.Sprintf(`apiVersion: networking.coastwise.dev/v1alpha1
kind: ServiceEntry
metadata: {name: %s, namespace: default}
spec:
  hosts: [%s]
  ports: [{number: 80, name: http, protocol: HTTP, targetPort: %d}]
  resolution: STATIC
  workloadSelector: {labels: {app: %s}}
`, s.name, s.host(), w.ports.Backend, s.name)}
	for n, e := range w.drawEndpoints(r, false) {
		name, version := fmt.Sprintf("%s-%d", s.name, n), pick(r, "v1", "v2")
		if e.Unready {
			documents = append(documents, manifest.Pod("default", name, e.Node, fmt.Sprintf("{app: %s, version: %s}", s.name, version))+
				fmt.Sprintf("status: {podIP: %s, conditions: [{type: Ready, status: \"False\"}]}\n", e.Address))
			continue
		}
		place := ""
		for _, p := range randomPlaces {
			if p.zone == e.Zone {
				place = fmt.Sprintf(", locality: %s/%s", p.region, p.zone)
			}
		}
		documents = append(documents, fmt.Sprintf(`apiVersion: networking.coastwise.dev/v1alpha1
kind: WorkloadEntry
metadata: {name: %s, namespace: default}
spec: {address: %s, weight: %s, labels: {app: %s, version: %s}%s}
`, name, e.Address, pick(r, "1", "1", "2", "5", "20"), s.name, version, place))
	}
	return documents
}

// drawPolicy is the inside of a trafficPolicy; "" is none.
func drawPolicy(r *rand.Rand) string {
	var blocks []string
	var balancer []string
	if r.IntN(3) > 0 {
		balancer = append(balancer, algorithms[pick(r, slices.Sorted(maps.Keys(algorithms))...)])
	}
	if setting := drawLocality(r); setting != "" {
		balancer = append(balancer, "localityLbSetting: {"+setting+"}")
	}
	if len(balancer) > 0 {
		blocks = append(blocks, "loadBalancer: {"+strings.Join(balancer, ", ")+"}")
	}
	if r.IntN(10) == 0 {
		blocks = append(blocks, fmt.Sprintf("outlierDetection: {minHealthPercent: %d}", 1+r.IntN(60)))
	}
	return strings.Join(blocks, ", ")
}

// drawLocality is the inside of a localityLbSetting; "" is none.
func drawLocality(r *rand.Rand) string {
	var out []string
	failover := fmt.Sprintf("failover: [{from: eu, to: %s}, {from: us, to: %s}]", pick(r, "us", "ap"), pick(r, "eu", "ap"))
	switch r.IntN(10) {
	case 0:
		return pick(r, "", "enabled: false")
	case 1, 2:
		out = append(out, "enabled: true")
	case 3, 4:
		out = append(out, failover)
	case 5, 6:
		tiers := pick(r, "version", "version, track", "version=v2", "topology.kubernetes.io/region", "topology.kubernetes.io/region, topology.kubernetes.io/zone", "version, topology.kubernetes.io/zone")
		out = append(out, "failoverPriority: ["+tiers+"]")
		if !strings.Contains(tiers, "topology") && r.IntN(2) == 0 {
			out = append(out, failover)
		}
	default:
		out = append(out, "distribute: ["+drawDistribute(r)+"]")
		out = append(out, pick(r, "", "", failover, "failoverPriority: [version]"))
	}
	if r.IntN(3) == 0 {
		out = append(out, fmt.Sprintf("failoverThreshold: %d", 1+r.IntN(100)))
	}
	if r.IntN(8) == 0 {
		out = append(out, "allowedRegions: ["+pick(r, "eu", "eu, us", "us, ap", "eu, ap")+"]")
	}
	return strings.Join(without(out, ""), ", ")
}

// drawDistribute shares 100 among some destinations.
func drawDistribute(r *rand.Rand) string {
	to := []string{"eu", "eu/eu-1", "eu/eu-2", "us/us-1", "us", "ap", "'*'"}
	r.Shuffle(len(to), func(i, j int) { to[i], to[j] = to[j], to[i] })
	to = to[:1+r.IntN(4)]
	left := 100
	var shares []string
	for i, destination := range to {
		share := left
		if i < len(to)-1 {
			share = 1 + r.IntN(left-(len(to)-1-i))
		}
		left -= share
		shares = append(shares, fmt.Sprintf("%s: %d", destination, share))
	}
	return fmt.Sprintf("{from: %s, to: {%s}}", pick(r, "'*'", "eu/*", "eu", "eu/eu-1", "us/*"), strings.Join(shares, ", "))
}

func pick(r *rand.Rand, of ...string) string { return of[r.IntN(len(of))] }

func without(list []string, what string) []string {
	var out []string
	for _, s := range list {
		if s != what {
			out = append(out, s)
		}
	}
	return out
}

// withSubsets adds a listener to a bootstrap that leads to subsets: nothing that
// coastwise sends does (docs/manual.md, ports and subsets).
func withSubsets(t *testing.T, bootstrap []byte, address string, setups []setup) []byte {
	t.Helper()
	text, err := yaml.YAMLToJSON(bootstrap)
	if err != nil {
		t.Fatal(err)
	}
	b := new(bootstrapv3.Bootstrap)
	if err := protojson.Unmarshal(text, b); err != nil {
		t.Fatal(err)
	}
	routes := &routev3.RouteConfiguration{Name: "subsets", ValidateClusters: wrapperspb.Bool(false)}
	for _, s := range setups {
		if s.subset != "" {
			routes.VirtualHosts = append(routes.VirtualHosts, &routev3.VirtualHost{
				Name: s.subsetHost(), Domains: []string{s.subsetHost()}, Routes: []*routev3.Route{{
					Match:  &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: "/"}},
					Action: &routev3.Route_Route{Route: &routev3.RouteAction{ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: s.cluster()}}},
				}},
			})
		}
	}
	hcm := packed(t, &hcmv3.HttpConnectionManager{
		StatPrefix:     "subsets",
		RouteSpecifier: &hcmv3.HttpConnectionManager_RouteConfig{RouteConfig: routes},
		HttpFilters:    []*hcmv3.HttpFilter{{Name: "router", ConfigType: &hcmv3.HttpFilter_TypedConfig{TypedConfig: packed(t, &routerv3.Router{})}}},
	})
	at := netip.MustParseAddrPort(address)
	b.StaticResources.Listeners = append(b.StaticResources.Listeners, &listenerv3.Listener{
		Name: "subsets",
		Address: &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
			Address: at.Addr().String(), PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: uint32(at.Port())},
		}}},
		FilterChains: []*listenerv3.FilterChain{{Filters: []*listenerv3.Filter{{
			Name: "hcm", ConfigType: &listenerv3.Filter_TypedConfig{TypedConfig: hcm},
		}}}},
	})
	out, err := protojson.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
