package ingest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// TestEntryRivals: who is told, and of whom.
func TestEntryRivals(t *testing.T) {
	a, b, istios := anEntry("STATIC"), anEntry("STATIC"), anEntry("STATIC")
	a.Name, b.Name, istios.Name = "a", "b", "0"
	istios.APIVersion = v1alpha1.IstioAPIVersion
	entries := []*v1alpha1.ServiceEntry{istios, b, a}
	ingest.SortEntries(entries)
	if entries[0] != a || entries[1] != b {
		t.Fatalf("%s is first, then %s", entries[0].Name, entries[1].Name)
	}
	_, problems := ingest.Service(ofEntries(entries...))
	expectTold(t, problems, "b", "is older or first by name")
	expectTold(t, problems, "0", "is of "+v1alpha1.APIVersion)

	o := ofEntries(a)
	o.Service = &corev1.Service{}
	o.Service.Namespace, o.Service.Name = "default", "db"
	_, problems = ingest.Service(o)
	expectTold(t, problems, "a", "is the host of Service default/db, which wins")
}

func expectTold(t *testing.T, problems []model.Problem, name, what string) {
	t.Helper()
	if !slices.ContainsFunc(problems, func(p model.Problem) bool {
		return p.Reason == model.Conflicted && p.Object.Name == name && strings.Contains(p.Message, what)
	}) {
		t.Errorf("%s is not told that it %s: %+v", name, what, problems)
	}
}

// sent are the endpoints of each port of an entry, in order.
func sent(s *model.Service) (out []string) {
	for _, p := range s.Ports {
		for _, e := range p.Endpoints {
			out = append(out, fmt.Sprintf("%d %s:%d", p.Number, e.Address, e.Port))
		}
	}
	return out
}

// TestEntrySockets: ports come by number; a name is its own endpoint where there is
// no other; of one address each port is an endpoint, and of one socket the first,
// without a word where both are inline.
func TestEntrySockets(t *testing.T) {
	at := func(address string, port int64) v1alpha1.WorkloadEntrySpec {
		return v1alpha1.WorkloadEntrySpec{Address: address, Ports: map[string]int64{"http": port}}
	}
	for _, tc := range []struct {
		entry *v1alpha1.ServiceEntry
		want  []string
	}{
		{anEntry("DNS_ROUND_ROBIN"), []string{"80 db.example:8080", "81 db.example:81"}},
		{anEntry("DNS"), []string{"80 db.example:8080", "81 db.example:81"}},
		{anEntry("STATIC"), nil},
		{anEntry("DNS", at("VM.Example", 1)), []string{"80 vm.example:1", "81 vm.example:81"}},
		{anEntry("STATIC", at("10.0.0.1", 1), at("10.0.0.1", 2)), []string{"80 10.0.0.1:1", "80 10.0.0.1:2", "81 10.0.0.1:81"}},
	} {
		s, problems := ingest.Service(ofEntries(tc.entry))
		if d := cmp.Diff(tc.want, sent(s)); d != "" {
			t.Errorf("%s: %s", tc.entry.Spec.Resolution, d)
		}
		for _, p := range problems {
			if p.Object.Name == "" {
				t.Errorf("nobody is told %+v", p)
			}
		}
	}
}

// aPod is Pod default/NAME on Node n1.
func aPod(name, ip string, change func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{}
	p.Namespace, p.Name, p.Spec.NodeName, p.Status.PodIP = "default", name, "n1", ip
	change(p)
	return p
}

// TestSelectedEndpoints: what a Pod and a WorkloadEntry are as endpoints.
func TestSelectedEndpoints(t *testing.T) {
	e := anEntry("STATIC")
	e.Spec.WorkloadSelector = &v1alpha1.LabelSelector{}
	e.Spec.Ports = e.Spec.Ports[1:]
	o := ofEntries(e)
	o.Namespace = &corev1.Namespace{}
	o.Namespace.Labels = map[string]string{"topology.istio.io/network": "of-the-namespace"}
	labels := func(key, value string) map[string]string { return map[string]string{key: value} }
	o.Selected = []*corev1.Pod{
		aPod("plain", "10.0.0.1", func(p *corev1.Pod) {
			p.Status.PodIPs = []corev1.PodIP{{IP: "10.0.0.1"}, {IP: "10.0.0.9"}, {IP: "2001:db8::1"}, {IP: "2001:db8::2"}}
		}),
		aPod("placed", "10.0.0.2", func(p *corev1.Pod) { p.Labels = labels("topology.istio.io/network", "own") }),
		aPod("badly", "10.0.0.3", func(p *corev1.Pod) { p.Labels = labels("topology.istio.io/locality", "a..b") }),
		aPod("failed", "10.0.0.4", func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed }),
		aPod("done", "10.0.0.5", func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }),
		aPod("without an IP", "", func(*corev1.Pod) {}),
	}
	for name, spec := range map[string]v1alpha1.WorkloadEntrySpec{
		"labelled":   {Address: "10.0.1.1", Labels: labels("topology.istio.io/network", "labelled")},
		"said":       {Address: "10.0.1.2", Labels: labels("topology.istio.io/network", "labelled"), Network: "said"},
		"of nowhere": {Address: "10.0.1.3"},
		"elsewhere":  {Network: "far"},
	} {
		w := &v1alpha1.WorkloadEntry{Spec: spec}
		w.Namespace, w.Name = "default", name
		o.Workloads = append(o.Workloads, w)
	}
	s, problems := ingest.Service(o)
	var got []string
	for _, e := range s.Ports[0].Endpoints {
		got = append(got, fmt.Sprint(e.Address, " ", e.Additional, " ", e.Network, " ", e.Region))
	}
	region := testNodes().ByName["n1"].Locality.Region
	want := []string{
		"10.0.0.1 [2001:db8::1] of-the-namespace " + region,
		"10.0.0.2 [] own " + region,
		"10.0.0.3 [] of-the-namespace " + region,
		"10.0.1.1 [] labelled ",
		"10.0.1.2 [] said ",
		"10.0.1.3 [] of-the-namespace ",
	}
	if d := cmp.Diff(want, got); d != "" || region == "" {
		t.Error(d)
	}
	if slices.ContainsFunc(problems, func(p model.Problem) bool { return p.Object.Name == "elsewhere" }) {
		t.Errorf("a workload without an address is told: %+v", problems)
	}
	if !slices.ContainsFunc(problems, func(p model.Problem) bool { return p.Object.Kind == "Pod" && p.Object.Name == "badly" }) {
		t.Errorf("nobody is told of the label: %+v", problems)
	}
}

// TestExternalNameWithoutPorts: nothing is sent, so a fence misses no region.
func TestExternalNameWithoutPorts(t *testing.T) {
	svc := &corev1.Service{}
	svc.Namespace, svc.Name = "default", "db"
	svc.Spec.Type, svc.Spec.ExternalName = corev1.ServiceTypeExternalName, "DB.example.com."
	o := ingest.Objects{Service: svc, Nodes: testNodes()}
	o.Mesh.Config = &v1alpha1.MeshConfig{Spec: v1alpha1.MeshConfigSpec{LocalityLbSetting: &v1alpha1.LocalityLbSetting{AllowedRegions: []string{"eu"}}}}
	s, problems := ingest.Service(o)
	if len(s.Ports) > 0 || len(problems) > 0 {
		t.Errorf("%+v %+v", s.Ports, problems)
	}
	svc.Spec.Ports = []corev1.ServicePort{{Name: "http", Port: 80}}
	s, problems = ingest.Service(o)
	if d := cmp.Diff([]string{"80 db.example.com:80"}, sent(s)); d != "" || len(problems) != 1 || problems[0].Reason != model.NoRegion {
		t.Errorf("%s %+v", d, problems)
	}
}
