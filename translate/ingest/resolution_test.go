package ingest_test

import (
	"testing"
	"time"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// resolved is the world of ServiceEntry default/api, host api.example.com.
func resolved(how string, rules ...*v1alpha1.DestinationRule) ingest.Objects {
	e := &v1alpha1.ServiceEntry{}
	e.Namespace, e.Name = "default", "api"
	e.Spec.Hosts, e.Spec.Resolution = []string{"api.example.com"}, how
	e.Spec.Ports = []v1alpha1.ServicePort{{Name: "http", Number: 80}}
	for _, r := range rules {
		r.Spec.Host = "api.example.com"
	}
	return ingest.Objects{
		Key: model.Key{Namespace: "default", Host: "api.example.com"}, Entries: []*v1alpha1.ServiceEntry{e}, Declared: true,
		Rules: rules, Nodes: testNodes(),
	}
}

// Reference destination-rule 2.10: dnsRefreshRate is for what DNS resolves alone.
func TestDNSRefreshRate(t *testing.T) {
	five := v1alpha1.Duration("5s")
	for _, c := range []struct {
		how  string
		mesh *v1alpha1.Duration
		want time.Duration
	}{
		{"DNS", nil, time.Minute},
		{"DNS", &five, 5 * time.Second},
		{"DNS_ROUND_ROBIN", &five, 5 * time.Second},
		{"STATIC", &five, 0},
		{"NONE", &five, 0},
	} {
		o := resolved(c.how)
		o.Mesh.Config = mesh(nil)
		o.Mesh.Config.Spec.DNSRefreshRate = c.mesh
		if got := served(t, o).DNSRefreshRate; got != c.want {
			t.Errorf("%s: %v, want %v", c.how, got, c.want)
		}
	}
}

// Every policy of a host without endpoints goes to the original destination, whatever
// a rule says of balancing; under a constraint none does (semantics 4).
func TestOriginalDestination(t *testing.T) {
	hashed := rule("default/r", nil)
	hashed.Spec.TrafficPolicy.LoadBalancer.ConsistentHash = &v1alpha1.ConsistentHash{UseSourceIP: ptr(true)}
	passing := rule("default/r", nil)
	passing.Spec.TrafficPolicy.LoadBalancer.Simple = "PASSTHROUGH"
	fenced := rule("default/r", allow("eu"))
	const told = "ServiceEntry default/api spec.resolution info ClientCannot"
	const balancer = "DestinationRule default/r spec.trafficPolicy.loadBalancer"
	for name, c := range map[string]struct {
		rules []*v1alpha1.DestinationRule
		want  model.Algorithm
		lines []string
	}{
		"no rule":     {nil, model.Passthrough, []string{told}},
		"a hash":      {[]*v1alpha1.DestinationRule{hashed}, model.Passthrough, []string{balancer + " info NoEffect", told}},
		"a setting":   {[]*v1alpha1.DestinationRule{rule("default/r", on())}, model.Passthrough, []string{balancer + " info NoEffect", told}},
		"PASSTHROUGH": {[]*v1alpha1.DestinationRule{passing}, model.Passthrough, []string{balancer + ".simple info ClientCannot", told}},
		"a fence":     {[]*v1alpha1.DestinationRule{fenced}, model.LeastRequest, []string{balancer + ".localityLbSetting.allowedRegions warning NothingAllowed", told}},
	} {
		s, ps := ingest.Service(resolved("NONE", c.rules...))
		p := policy(s, "client")
		if p.Algorithm != c.want || p.Cluster.Hash != nil {
			t.Errorf("%s: %s, %+v", name, p.Algorithm, p.Cluster.Hash)
		}
		equal(t, lines(ps), c.lines)
	}
}

// The subsets of such a host are empty.
func TestOriginalDestinationSubset(t *testing.T) {
	r := rule("default/r", nil)
	r.Spec.Subsets = []v1alpha1.Subset{{Name: "v1", Labels: map[string]string{"version": "v1"}}, {Name: "all"}}
	s, ps := ingest.Service(resolved("NONE", r))
	for subset, want := range map[string]model.Algorithm{"v1": model.LeastRequest, "all": model.Passthrough, "": model.Passthrough} {
		id := s.Select(model.Proxy{Kind: model.Sidecar, Namespace: "x"}, 80, subset).PolicyID
		if got := s.Policies[id].Algorithm; got != want {
			t.Errorf("subset %q: %s", subset, got)
		}
	}
	equal(t, lines(ps), []string{
		"DestinationRule default/r spec.subsets[0].labels warning EmptySubset",
		"ServiceEntry default/api spec.resolution info ClientCannot",
	})
}
