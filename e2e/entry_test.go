package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/manifest"
)

const zoneRule = `{loadBalancer: {localityLbSetting: {distribute: [{from: "eu/*", to: {eu/eu-1: %d, eu/eu-2: %d}}]}}}`

// statically is an endpoint of a zone, in flow style without braces.
func (s *scene) statically(zone int, rest string) string {
	return "address: " + s.endpoint(zone, 0) + ", " + rest
}

// workload is a WorkloadEntry at the endpoint of a zone; labels are in flow style.
func (s *scene) workload(name string, zone int, labels, locality string) string {
	return fmt.Sprintf("apiVersion: networking.coastwise.dev/v1alpha1\nkind: WorkloadEntry\nmetadata: {name: %s}\nspec: {address: %s, locality: %s, labels: {%s}}\n",
		name, s.endpoint(zone, 0), locality, labels)
}

// TestStaticEntry: a ServiceEntry over two zones is reached by Host through the HTTP
// proxy port with the shares that a rule gives, and live edits of rule and entry
// move them without a failed request. Its virtual IP and wildcard are hosts too.
func TestStaticEntry(t *testing.T) {
	s := newScene(t, map[string]string{"mesh.yaml": mesh("")})
	for zone := range 3 {
		s.backend(zone, 0)
	}
	a, b, c := s.statically(0, inEU1), s.statically(1, inEU2), s.statically(2, inUS1)
	rule := func(first, second int) {
		s.write("rule.yaml", manifest.Rule("default", "db", "db.example", fmt.Sprintf(zoneRule, first, second)))
	}
	s.write("entry.yaml", s.entry("db", "STATIC", a, b, c))
	rule(70, 30)
	client := s.envoy(coastwise.Client{Locality: "eu/eu-1"})
	client.converge(client.predicted("db.example"))
	client.shares("db.example", requests, 70, 30, 0)

	generator, phase := client.stream("db.example")
	rule(20, 80)
	await.Until(t, patience, func() string {
		if tally := client.send("db.example", 500); tally.ByEndpoint[s.endpoint(0, 0)+fmt.Sprintf(":%d", s.ports.Backend)]*2 > tally.Requests {
			return "the rule's edit does not act"
		}
		return ""
	})
	client.shares("db.example", requests, 20, 80, 0)
	s.write("entry.yaml", s.entry("db", "STATIC", b, c))
	client.holds("outbound|80||db.example", s.at(1, 0))
	client.shares("db.example", 200, 0, 100, 0)
	unfailed(t, generator, phase)

	s.write("more.yaml", strings.Replace(s.entry("wild", "STATIC", c), "hosts: [wild.example]", `hosts: ["*.wild.example"]`+"\n  addresses: [10.9.0.1]", 1))
	for _, host := range []string{"any.wild.example", "10.9.0.1"} {
		await.Until(t, patience, func() string {
			if code, err := client.ask(host, form{minor: 1}); err != nil || code != 200 {
				return fmt.Sprintf("%s: %d, %v", host, code, err)
			}
			return ""
		})
		client.shares(host, 50, 0, 0, 100)
	}
}

// TestSelectedWorkloads: WorkloadEntries come, go and lose their label while
// requests run.
func TestSelectedWorkloads(t *testing.T) {
	s := newScene(t, map[string]string{"mesh.yaml": mesh("")})
	for zone := range 2 {
		s.backend(zone, 0)
	}
	selecting := strings.Replace(s.entry("vms", "STATIC"), "endpoints:\n", "workloadSelector: {labels: {app: vms}}\n", 1)
	s.write("entry.yaml", manifest.Join(selecting, manifest.Rule("default", "vms", "vms.example", "{loadBalancer: {localityLbSetting: {}}}")))
	one, two := s.workload("one", 0, "app: vms", "eu/eu-1"), s.workload("two", 1, "app: vms", "eu/eu-2")
	s.write("vms.yaml", two)
	client := s.envoy(coastwise.Client{Locality: "eu/eu-1"})
	const cluster = "outbound|80||vms.example"
	client.holds(cluster, s.at(1, 0))
	generator, phase := client.stream("vms.example")
	s.write("vms.yaml", manifest.Join(one, two))
	client.holds(cluster, s.at(0, 0), s.at(1, 1))
	client.shares("vms.example", 200, 100, 0)
	s.write("vms.yaml", manifest.Join(s.workload("one", 0, "app: other", "eu/eu-1"), two))
	client.holds(cluster, s.at(1, 0))
	client.shares("vms.example", 200, 0, 100)
	unfailed(t, generator, phase)
}

// TestEntryOfAServicesHost: while a Kubernetes Service has the host, the entry gets
// nothing; when the Service goes the entry has it, and back.
func TestEntryOfAServicesHost(t *testing.T) {
	s := newScene(t, map[string]string{"mesh.yaml": mesh("")})
	for zone := range 2 {
		s.backend(zone, 0)
	}
	const host = "own.default.svc.cluster.local"
	s.write("entry.yaml", strings.Replace(s.entry("own", "STATIC", s.statically(1, inEU2)), "own.example", host, 1))
	service := manifest.Join(
		"apiVersion: v1\nkind: Service\nmetadata: {name: own}\nspec: {ports: [{name: http, port: 80}]}\n",
		fmt.Sprintf("apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: own-1, labels: {kubernetes.io/service-name: own}}\naddressType: IPv4\n"+
			"ports: [{name: http, port: %d}]\nendpoints: [{addresses: [%s]}]\n", s.ports.Backend, s.endpoint(0, 0)))
	s.write("service.yaml", service)
	client := s.envoy(coastwise.Client{Locality: "eu/eu-1"})
	cluster := "outbound|80||" + host
	client.holds(cluster, s.at(0, 0))
	generator, phase := client.stream("own.default")
	for range 3 {
		s.write("service.yaml", "")
		client.holds(cluster, s.at(1, 0))
		s.write("service.yaml", service)
		client.holds(cluster, s.at(0, 0))
	}
	client.shares("own", 100, 100, 0)
	unfailed(t, generator, phase)
}
