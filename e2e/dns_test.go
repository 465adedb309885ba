package e2e

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/manifest"
	"github.com/coastwise/coastwise/e2e/nameserver"
)

// named is a scene whose Envoys ask a DNS server of ours. It knows a.test, b.test
// and c.test, one endpoint each of zones 0, 1 and 2, and two.test, which is both of
// zones 0 and 1; a backend listens at each.
func named(t *testing.T) (*scene, *nameserver.Server) {
	t.Helper()
	s := newScene(t, map[string]string{"mesh.yaml": mesh("dnsRefreshRate: 300ms")})
	server, err := nameserver.Start(s.block.Address(1, 201))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	s.edit = func(bootstrap []byte) []byte {
		return fmt.Appendf(bootstrap, `typed_dns_resolver_config:
  name: envoy.network.dns_resolver.cares
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig
    resolvers: [{socket_address: {address: %s, port_value: %d}}]
    dns_resolver_options: {no_default_search_domain: true}
`, s.block.Address(1, 201), server.Port())
	}
	for zone, name := range []string{"a.test", "b.test", "c.test"} {
		s.backend(zone, 0)
		names(t, server, name, s.endpoint(zone, 0))
	}
	names(t, server, "two.test", s.endpoint(0, 0), s.endpoint(1, 0))
	return s, server
}

func names(t *testing.T, server *nameserver.Server, name string, addresses ...string) {
	t.Helper()
	if err := server.Set(name, addresses...); err != nil {
		t.Fatal(err)
	}
}

func mesh(spec string) string {
	return "apiVersion: networking.coastwise.dev/v1alpha1\nkind: MeshConfig\nmetadata: {name: default}\nspec: {" + spec + "}\n"
}

// entry is a ServiceEntry NAME for NAME.example with these endpoints, each in flow
// style without braces.
func (s *scene) entry(name, resolution string, endpoints ...string) string {
	var list strings.Builder
	for _, e := range endpoints {
		list.WriteString("  - {" + e + "}\n")
	}
	return fmt.Sprintf(`apiVersion: networking.coastwise.dev/v1alpha1
kind: ServiceEntry
metadata: {name: %s}
spec:
  hosts: [%s.example]
  location: MESH_EXTERNAL
  ports: [{number: 80, name: http, protocol: HTTP, targetPort: %d}]
  resolution: %s
  endpoints:
%s`, name, name, s.ports.Backend, resolution, list.String())
}

// holds waits until a cluster of Envoy has exactly these endpoints: IP and priority.
func (c *client) holds(cluster string, want ...string) {
	c.scene.t.Helper()
	slices.Sort(want)
	await.Until(c.scene.t, patience, func() string {
		hosts, err := c.Hosts(c.scene.t.Context(), cluster)
		if err != nil {
			return err.Error()
		}
		var has []string
		for _, h := range hosts {
			ip, _, _ := strings.Cut(h.Address, ":")
			has = append(has, fmt.Sprintf("%s P%d", ip, h.Priority))
		}
		slices.Sort(has)
		if !slices.Equal(has, want) {
			return fmt.Sprintf("%s holds %q, not %q", cluster, has, want)
		}
		return ""
	})
}

func (s *scene) at(zone int, priority int) string {
	return fmt.Sprintf("%s P%d", s.endpoint(zone, 0), priority)
}

// shares sends requests for a host and holds the shares of zones against percents.
func (c *client) shares(host string, requests int, percents ...float64) {
	c.scene.t.Helper()
	tally := c.send(host, requests)
	if len(tally.Failures) > 0 {
		c.scene.t.Fatalf("%s: %d of %d failed, the first: %s", host, len(tally.Failures), tally.Requests, tally.Failures[0].What)
	}
	for zone, want := range percents {
		address := fmt.Sprintf("%s:%d", c.scene.endpoint(zone, 0), c.scene.ports.Backend)
		if got := 100 * float64(tally.ByEndpoint[address]) / float64(tally.Requests); math.Abs(got-want) > 3 {
			c.scene.t.Errorf("%s: zone %d got %.1f %%, want %.1f %%", host, zone, got, want)
		}
	}
}

// sick is a Pod behind sick.example, with the endpoint of a zone.
func (s *scene) sick(name, place string, zone int, ready bool) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Pod
metadata: {name: %s, labels: {app: sick, topology.istio.io/locality: %s}}
spec: {containers: [{name: main}]}
status: {podIP: %s, conditions: [{type: Ready, status: "%s"}]}
`, name, place, s.endpoint(zone, 0), map[bool]string{true: "True", false: "False"}[ready])
}

const (
	inEU1 = "locality: eu/eu-1"
	inEU2 = "locality: eu/eu-2"
	inUS1 = "locality: us/us-1"
)

// TestDNSHosts: locality settings act on names as they do on addresses.
func TestDNSHosts(t *testing.T) {
	s, server := named(t)
	a, b, c := "address: a.test, "+inEU1, "address: b.test, "+inEU2, "address: c.test, "+inUS1
	s.write("entries.yaml", manifest.Join(
		s.entry("shares", "DNS", a, b),
		manifest.Rule("default", "shares", "shares.example", `{loadBalancer: {localityLbSetting: {distribute: [{from: "eu/*", to: {eu/eu-1: 70, eu/eu-2: 30}}]}}}`),
		s.entry("tiers", "DNS", a+", labels: {version: v1}", b+", labels: {version: v2}", c+", labels: {version: v2}, weight: 3"),
		manifest.Rule("default", "tiers", "tiers.example", `{loadBalancer: {simple: ROUND_ROBIN, localityLbSetting: {failoverPriority: [version]}}}`)+
			"  subsets: [{name: v1, labels: {version: v1}}]\n",
		s.entry("levels", "DNS", a, c, "address: two.test, "+inEU2),
		manifest.Rule("default", "levels", "levels.example", `{loadBalancer: {simple: ROUND_ROBIN, localityLbSetting: {failoverPriority: [topology.kubernetes.io/region]}}}`),
		s.entry("first", "DNS_ROUND_ROBIN", "address: two.test"),
		s.entry("move", "DNS", "address: move.test"),
		strings.Replace(s.entry("sick", "DNS"), "  endpoints:\n", "  workloadSelector: {labels: {app: sick}}\n", 1),
		manifest.Rule("default", "sick", "sick.example", "{loadBalancer: {localityLbSetting: {}}}"),
		s.sick("sick-0", "eu.eu-1", 0, false), s.sick("sick-1", "eu.eu-2", 1, true),
		s.entry("nothing", "DNS", a+", weight: 0"),
		s.entry("one", "DNS_ROUND_ROBIN", b+", weight: 0"),
		"apiVersion: networking.coastwise.dev/v1alpha1\nkind: ServiceEntry\nmetadata: {name: none}\n"+
			"spec: {hosts: [none.example], ports: [{number: 80, name: http}]}\n",
		fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: alias}\nspec: {type: ExternalName, externalName: c.test, ports: [{name: http, port: %d}]}\n", s.ports.Backend),
	))
	names(t, server, "move.test", s.endpoint(0, 0))
	client := s.envoy(coastwise.Client{Locality: "eu/eu-1", Labels: "version=v2"})
	cluster := func(name string) string { return "outbound|80||" + name + ".example" }

	client.holds(cluster("shares"), s.at(0, 0), s.at(1, 0))
	client.shares("shares.example", requests, 70, 30, 0)
	client.holds(cluster("tiers"), s.at(1, 0), s.at(2, 0), s.at(0, 1))
	client.shares("tiers.example", 2000, 0, 25, 75)
	client.holds("outbound|80|v1|tiers.example", s.at(0, 0))
	// two.test is two endpoints, so that a.test gets a third of its tier.
	client.holds(cluster("levels"), s.at(0, 0), s.at(0, 0), s.at(1, 0), s.at(2, 1))
	client.shares("levels.example", 2000, 66.7, 33.3, 0)
	// Envoy honours the health of what it resolves.
	client.holds(cluster("sick"), s.at(0, 0), s.at(1, 1))
	client.shares("sick.example", 200, 0, 100, 0)
	client.shares("alias.default:"+fmt.Sprint(s.ports.Backend), 100, 0, 0, 100)
	// The first of two.test, whichever that was, and no other.
	if tally := client.send("first.example", 200); len(tally.ByEndpoint) != 1 || len(tally.Failures) > 0 {
		t.Errorf("DNS_ROUND_ROBIN: %v, %d failures", slices.Sorted(maps.Keys(tally.ByEndpoint)), len(tally.Failures))
	}
	for host, code := range map[string]int{"none.example": 503, "nothing.example": 503, "one.example": 503} {
		if got, err := client.ask(host, form{minor: 1}); err != nil || got != code {
			t.Errorf("%s: %d, %v; want %d", host, got, err, code)
		}
	}
	// dnsRefreshRate: the default of a minute would be too long for this.
	client.shares("move.example", 100, 100, 0, 0)
	names(t, server, "move.test", s.endpoint(2, 0))
	client.holds(cluster("move"), s.at(2, 0))
}

// TestDNSHostsAreEditedLive: no request fails while endpoints come and go, while a
// host turns between DNS and EDS, and while DNS fails without an edit; over delta
// and over state of the world.
func TestDNSHostsAreEditedLive(t *testing.T) {
	for _, api := range []string{"DELTA_GRPC", "GRPC"} {
		t.Run(api, func(t *testing.T) { editedLive(t, api) })
	}
}

func editedLive(t *testing.T, api string) {
	s, server := named(t)
	resolver := s.edit
	s.edit = func(bootstrap []byte) []byte {
		return resolver(bytes.Replace(bootstrap, []byte("DELTA_GRPC"), []byte(api), 1))
	}
	a, b := "address: a.test, "+inEU1, "address: b.test, "+inEU2
	rule := manifest.Rule("default", "live", "live.example", "{loadBalancer: {localityLbSetting: {}}}")
	s.write("live.yaml", manifest.Join(s.entry("live", "DNS", a, b), rule))
	client := s.envoy(coastwise.Client{Locality: "eu/eu-1"})
	const cluster = "outbound|80||live.example"
	client.holds(cluster, s.at(0, 0), s.at(1, 1))
	generator, phase := client.stream("live.example")
	edit := func(entry string, want ...string) {
		t.Helper()
		s.write("live.yaml", manifest.Join(entry, rule))
		client.holds(cluster, want...)
	}
	for range 3 {
		edit(s.entry("live", "DNS", b, "address: c.test, "+inUS1), s.at(1, 0), s.at(2, 1))
		edit(s.entry("live", "STATIC", "address: "+s.endpoint(0, 0)+", "+inEU1), s.at(0, 0))
		edit(s.entry("live", "DNS", a, b), s.at(0, 0), s.at(1, 1))
		edit(s.entry("live", "DNS_ROUND_ROBIN", "address: c.test, "+inUS1), s.at(2, 0))
	}
	server.Fail(true)
	before, _ := phase.Counts()
	await.Until(t, patience, func() string {
		if n, _ := phase.Counts(); n < before+300 { // more than a second, so several times asked
			return fmt.Sprintf("%d requests while DNS fails", n-before)
		}
		return ""
	})
	unfailed(t, generator, phase)
}
