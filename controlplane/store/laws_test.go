package store

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

var (
	someNamespaces = rapid.SampledFrom([]string{"a", "b"})
	someNames      = rapid.SampledFrom([]string{"x", "y"})
	someNodes      = rapid.SampledFrom([]string{"n1", "n2", "n3", ""})
	someZones      = rapid.SampledFrom([]string{"z1", "z2", ""})
	someRegions    = rapid.SampledFrom([]string{"r1", "r2", ""})
	somePods       = rapid.SampledFrom([]string{"p1", "p2", ""})
	someHosts      = rapid.SampledFrom([]string{
		"x", "y.b", "x.a.svc.cluster.local", "*.a.svc.cluster.local", "*", "*.b", "api.example.com", "*.example.com", "x.a.svc",
	})
	entryHosts = rapid.SampledFrom([][]string{
		{"api.example.com"}, {"*.example.com", "api.example.com"}, {"y.b"}, {"x.a.svc", "y.b"}, {"x.a.svc.cluster.local"},
	})
)

// someChange draws any change that admission could give.
func someChange(t *rapid.T) Change {
	ns, name := someNamespaces.Draw(t, "namespace"), someNames.Draw(t, "name")
	var c Change
	switch rapid.SampledFrom([]string{"service", "slice", "rule", "fence", "node", "pod", "pod", "namespace", "mesh", "entry", "entry", "workload", "routing", "routing", "routing"}).Draw(t, "kind") {
	case "service":
		c = service(ns, name)
		c.Object.(*corev1.Service).Spec.ClusterIP = rapid.SampledFrom([]string{"", "None"}).Draw(t, "ip")
		withLabels(c, someLabels(t))
	case "routing":
		c = someRouting(t, ns, name)
	case "slice":
		endpoints := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) discoveryv1.Endpoint {
			return at(someNodes.Draw(t, "node"), someZones.Draw(t, "zone"), somePods.Draw(t, "pod"))
		}), 0, 3).Draw(t, "endpoints")
		c = slice(ns, name, rapid.SampledFrom([]string{"x", "y", ""}).Draw(t, "service"), endpoints...)
	case "rule":
		c = rule(ns, name, someHosts.Draw(t, "host"))
	case "fence":
		return fence(ns, name, someHosts.Draw(t, "host"), someRegions.Draw(t, "region"))
	case "node":
		c = node(rapid.SampledFrom([]string{"n1", "n2", "n3"}).Draw(t, "node"), someRegions.Draw(t, "region"), someZones.Draw(t, "zone"))
	case "pod":
		c = pod(ns, rapid.SampledFrom([]string{"p1", "p2"}).Draw(t, "pod"), func(p *corev1.Pod) {
			p.Labels = map[string]string{"v": someNames.Draw(t, "label")}
			p.Spec.NodeName, p.Spec.ServiceAccountName = someNodes.Draw(t, "node of the pod"), someNames.Draw(t, "account")
			p.Annotations = map[string]string{"ambient.istio.io/redirection": rapid.SampledFrom([]string{"enabled", "disabled"}).Draw(t, "redirection")}
			p.Status.PodIP = rapid.SampledFrom([]string{"", "10.0.0.1"}).Draw(t, "pod IP")
			started(time.Unix(rapid.Int64Range(0, 1).Draw(t, "start"), 0))(p)
		})
	case "namespace":
		c = withLabels(namespaceOf(ns, nil), someLabels(t))
	case "entry":
		c = entry(ns, name, rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "selected"), entryHosts.Draw(t, "hosts")...)
		c.Object.(*v1alpha1.ServiceEntry).CreationTimestamp = metav1.Unix(rapid.Int64Range(0, 1).Draw(t, "age"), 0)
		withLabels(c, someLabels(t))
	case "workload":
		c = workload(ns, name, someNames.Draw(t, "label"), someNames.Draw(t, "second label"))
	case "mesh":
		c = mesh(someNames.Draw(t, "root"))
	}
	if rapid.IntRange(0, 3).Draw(t, "gone") == 0 {
		return gone(c)
	}
	return c
}

// reads is the part of Objects that ingest reads: of Nodes, those that hold an
// endpoint and the agreement on the zones that an endpoint is in.
func reads(o ingest.Objects) map[string]any {
	nodes, zones := map[string]any{}, map[string]string{}
	for _, s := range o.Slices {
		for i := range s.Endpoints {
			e := &s.Endpoints[i]
			if e.NodeName != nil {
				if n, known := o.Nodes.ByName[*e.NodeName]; known {
					nodes[*e.NodeName] = n
					zones[n.Locality.Zone] = o.Nodes.Regions[n.Locality.Zone]
				}
			}
			if e.Zone != nil {
				zones[*e.Zone] = o.Nodes.Regions[*e.Zone]
			}
		}
	}
	pods := map[ingest.PodName]*corev1.Pod{}
	for name, p := range o.Pods { // behind a slice, which says the address
		pods[name] = p.DeepCopy()
		pods[name].Status.PodIP = ""
	}
	for _, p := range o.Selected {
		if n, known := o.Nodes.ByName[p.Spec.NodeName]; known {
			nodes[p.Spec.NodeName] = n
			zones[n.Locality.Zone] = o.Nodes.Regions[n.Locality.Zone]
		}
	}
	return map[string]any{
		"shadowed": o.Shadowed,
		"entries":  o.Entries, "owner": o.Owner, "declared": o.Declared, "selected": o.Selected, "workloads": o.Workloads,
		"service": o.Service, "slices": o.Slices, "rules": o.Rules, "fences": o.Fences,
		"gateways": o.Gateways, "classes": o.Classes, "routing": routingReads(o.Routing),
		"pods": pods, "namespace": o.Namespace, "mesh": o.Mesh, "nodes": nodes, "zones": zones,
	}
}

func allReads(s *Store) map[model.Key]map[string]any {
	all := map[model.Key]map[string]any{}
	for _, key := range s.Keys() {
		all[key] = reads(s.Objects(key))
	}
	return all
}

// TestLawOfMarks: whatever a batch does, a key whose objects differ after it, and
// one that came or went, is marked.
func TestLawOfMarks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := New()
		s.Apply(populated(t))
		s.Take()
		before := allReads(s)
		for range rapid.IntRange(1, 12).Draw(t, "batches") {
			s.Apply(rapid.SliceOfN(rapid.Custom(someChange), 1, 2).Draw(t, "batch"))
			after := allReads(s)
			marked := map[model.Key]bool{}
			for _, key := range s.Take().Keys {
				marked[key] = true
			}
			for _, key := range union(before, after) {
				if !marked[key] && !reflect.DeepEqual(before[key], after[key]) {
					t.Fatalf("%v changed without a mark:\n%s", key, cmp.Diff(before[key], after[key]))
				}
			}
			before = after
		}
	})
}

// populated is a world in which few changes touch nothing: every service is there
// and has an endpoint.
func populated(t *rapid.T) []Change {
	var all []Change
	for _, ns := range []string{"a", "b"} {
		for _, name := range []string{"x", "y"} {
			e := at(someNodes.Draw(t, "node"), someZones.Draw(t, "zone"), somePods.Draw(t, "pod"))
			all = append(all, service(ns, name), slice(ns, name, name, e))
		}
	}
	for _, name := range []string{"n1", "n2", "n3"} {
		all = append(all, node(name, someRegions.Draw(t, "region"), someZones.Draw(t, "zone")))
	}
	return all
}

func union(a, b map[model.Key]map[string]any) []model.Key {
	keys := maps.Clone(a)
	maps.Copy(keys, b)
	return slices.SortedFunc(maps.Keys(keys), model.Key.Compare)
}

// TestOrderIndependence: the store is a function of the last change of each
// object, whatever the order and the batches.
func TestOrderIndependence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		changes := rapid.SliceOfN(rapid.Custom(someChange), 0, 40).Draw(t, "changes")
		s := New()
		last := map[model.ObjectRef]Change{}
		for rest := changes; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "batch")
			s.Apply(rest[:n])
			rest = rest[n:]
		}
		for _, c := range changes {
			last[c.Ref] = c
		}
		refs := slices.SortedFunc(maps.Keys(last), model.ObjectRef.Compare)
		fresh := New()
		for _, ref := range rapid.Permutation(refs).Draw(t, "order") {
			fresh.Apply([]Change{last[ref]})
		}
		compareStores(t, fresh, s)
	})
}

func compareStores(t *rapid.T, want, got *Store) {
	if d := cmp.Diff(want.Keys(), got.Keys()); d != "" {
		t.Fatalf("keys (-fresh +lived):\n%s", d)
	}
	for _, ns := range []string{"a", "b"} {
		for _, name := range []string{"x", "y"} { // keys with slices only, too
			key := model.ServiceKey(ns, name)
			if d := cmp.Diff(want.Objects(key), got.Objects(key)); d != "" {
				t.Fatalf("objects of %v (-fresh +lived):\n%s", key, d)
			}
		}
	}
	for _, key := range want.Keys() {
		if d := cmp.Diff(want.Objects(key), got.Objects(key)); d != "" {
			t.Fatalf("objects of %v (-fresh +lived):\n%s", key, d)
		}
	}
	for _, tallies := range [][2]tally[string]{{want.known, got.known}, {want.byNode, got.byNode}, {want.byZone, got.byZone}} {
		if d := cmp.Diff(tallies[0], tallies[1], cmp.AllowUnexported(uses{})); d != "" {
			t.Fatalf("index (-fresh +lived):\n%s", d)
		}
	}
	if d := cmp.Diff(want.byPod, got.byPod, cmp.AllowUnexported(uses{})); d != "" {
		t.Fatalf("index of pods (-fresh +lived):\n%s", d)
	}
	if d := cmp.Diff(want.entries.hosts, got.entries.hosts); d != "" {
		t.Fatalf("index of hosts (-fresh +lived):\n%s", d)
	}
	for _, name := range someGateways {
		if d := cmp.Diff(want.GatewayObjects(name), got.GatewayObjects(name)); d != "" {
			t.Fatalf("objects of Gateway %v (-fresh +lived):\n%s", name, d)
		}
	}
	if d := cmp.Diff(want.routes, got.routes, cmp.AllowUnexported(routeIndex{}, routeEntry{})); d != "" {
		t.Fatalf("index of routes (-fresh +lived):\n%s", d)
	}
	if d := cmp.Diff(want.gateways, got.gateways, cmp.AllowUnexported(gatewayIndex{}, user{}, objectName{})); d != "" {
		t.Fatalf("index of Gateways (-fresh +lived):\n%s", d)
	}
	if d := cmp.Diff(want.grants, got.grants); d != "" {
		t.Fatalf("grants (-fresh +lived):\n%s", d)
	}
	if d := cmp.Diff(want.workloads, got.workloads, cmp.AllowUnexported(workloads{}, selection{})); d != "" {
		t.Fatalf("index of workloads (-fresh +lived):\n%s", d)
	}
}

// TestObjects: what a service gets is its own, found through the indexes, and
// agrees with a scan of everything.
func TestObjects(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := New()
		last := map[model.ObjectRef]Change{}
		for _, c := range rapid.SliceOfN(rapid.Custom(someChange), 0, 40).Draw(t, "changes") {
			s.Apply([]Change{c})
			last[c.Ref] = c
		}
		for _, key := range s.Keys() {
			o := s.Objects(key)
			got := fmt.Sprint(len(o.Slices), len(o.Rules), len(o.Fences))
			if want := scan(last, key); got != want {
				t.Fatalf("%v has %s slices, rules and fences; a scan says %s", key, got, want)
			}
			if d := cmp.Diff(scanEntries(last, key), namesOf(o)); d != "" {
				t.Fatalf("entries and workloads of %v (-scan +got):\n%s", key, d)
			}
		}
		if d := cmp.Diff(scanNodes(last), s.Nodes()); d != "" {
			t.Fatal(d)
		}
	})
}

// scan counts a service's slices, rules and fences the slow way.
func scan(world map[model.ObjectRef]Change, key model.Key) string {
	var nslices, rules, fences int
	covers := func(ns, host string, fence bool) bool {
		full, wildcard := ingest.RuleKey(ns, host)
		declared, own := declaredBy(world, ns, host)
		switch {
		case wildcard:
			return ingest.HostMatches(host, key.Host)
		case full.Host == host || !declared:
			return full.Host == key.Host
		case fence || isService(world, key) && !own: // nothing is taken from the Service
			return host == key.Host || full.Host == key.Host
		}
		return host == key.Host
	}
	for ref, c := range world {
		switch o := c.Object.(type) {
		case *discoveryv1.EndpointSlice:
			if model.ServiceKey(ref.Namespace, o.Labels[discoveryv1.LabelServiceName]) == key {
				nslices++
			}
		case nil:
			if c.Fence != nil && covers(ref.Namespace, c.Fence.Host, true) {
				fences++
			}
		default:
			if host, ok := hostOf(o); ok && covers(ref.Namespace, host, false) {
				rules++
			}
		}
	}
	return fmt.Sprint(nslices, rules, fences)
}

// declaredBy says whether an entry has exactly this host, and whether one of a
// namespace has.
func declaredBy(world map[model.ObjectRef]Change, namespace, host string) (declared, own bool) {
	for ref, c := range world {
		if e, ok := c.Object.(*v1alpha1.ServiceEntry); ok && slices.Contains(e.Spec.Hosts, host) {
			declared, own = true, own || ref.Namespace == namespace
		}
	}
	return declared, own
}

// scanNodes is semantics 2.1's agreement the slow way.
func scanNodes(world map[model.ObjectRef]Change) *ingest.Nodes {
	nodes := &ingest.Nodes{ByName: map[string]ingest.Node{}, Regions: map[string]string{}}
	votes := map[string]map[string]bool{}
	for ref, c := range world {
		n, ok := c.Object.(*corev1.Node)
		if !ok {
			continue
		}
		l := model.Locality{Region: n.Labels[corev1.LabelTopologyRegion], Zone: n.Labels[corev1.LabelTopologyZone]}
		nodes.ByName[ref.Name] = ingest.Node{Locality: l}
		if votes[l.Zone] == nil {
			votes[l.Zone] = map[string]bool{}
		}
		votes[l.Zone][l.Region] = true
	}
	for zone, regions := range votes {
		delete(regions, "")
		if named := slices.Collect(maps.Keys(regions)); zone != "" && len(named) == 1 {
			nodes.Regions[zone] = named[0]
		}
	}
	return nodes
}
