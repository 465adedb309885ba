package controlplane

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/coastwise/coastwise/third_party/istio/workloadapi"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
	"github.com/coastwise/coastwise/translate/workload"
)

const web = "shop/web.shop.svc.cluster.local"

// Both types are answered though there is nothing: a ztunnel is ready only then
// (reference/ambient.md 6, rule 2). Any other type is answered with nothing too.
func TestZtunnelIsAnsweredWithNothing(t *testing.T) {
	d := newDiscovery(t)
	c := d.connect(ztunnelID).open(nil).both()
	for _, r := range c.log {
		if len(r.Resources)+len(r.RemovedResources) > 0 || r.Nonce == "" {
			t.Errorf("%v", r)
		}
	}
	c.quiet("after both")
	c.send(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: envoy.ClusterType})
	d.store.Apply(wdsShop(2))
	c.until("the mesh", func() bool { return len(c.names(workload.AddressType)) == 3 })
	for _, r := range c.log {
		if r.TypeUrl == envoy.ClusterType && len(r.Resources) > 0 {
			t.Error("a ztunnel is sent clusters")
		}
	}
	w := c.workload("shop/p1")
	if w.GetTunnelProtocol() != workloadapi.TunnelProtocol_HBONE || w.GetServiceAccount() != "sa-p1" || w.GetStatus() != workloadapi.WorkloadStatus_HEALTHY ||
		w.GetServices()[web].GetPorts()[0].GetTargetPort() != 8080 || !bytes.Equal(w.GetAddresses()[0], []byte{10, 1, 0, 1}) {
		t.Errorf("%v", w)
	}
	if s := c.address(web).GetService(); s.GetHostname() != "web.shop.svc.cluster.local" || !bytes.Equal(s.GetAddresses()[0].GetAddress(), []byte{10, 96, 0, 1}) {
		t.Errorf("%v", s)
	}
}

// A health change is one Workload, and soon there; what goes is removed by its name.
func TestZtunnelHearsOfHealthAtOnce(t *testing.T) {
	d := newDiscovery(t)
	d.store.Apply(wdsShop(1000))
	c := d.connect(ztunnelID).open(nil).both()
	if n := len(c.names(workload.AddressType)); n != 1001 {
		t.Fatalf("%d resources in the first response", n)
	}
	var waits []time.Duration
	for i := range 20 {
		began, before := time.Now(), len(c.log)
		d.store.Apply([]storeChange{wdsPod("p7", 7, i%2 == 1, nil)})
		want := workloadapi.WorkloadStatus(1 - i%2)
		c.until("health", func() bool { return c.workload("shop/p7").GetStatus() == want })
		waits = append(waits, time.Since(began))
		for _, r := range c.log[before:] {
			if len(r.Resources) != 1 || r.Resources[0].Name != "Kubernetes//Pod/shop/p7" {
				t.Errorf("%d resources for one pod's health", len(r.Resources))
			}
		}
	}
	slices.Sort(waits)
	median := waits[len(waits)/2] // a machine that stands still makes one of them slow, not half
	t.Logf("a health change among 1,000 workloads is there within %s, the slowest within %s", median, waits[len(waits)-1])
	if median > time.Second {
		t.Errorf("it took %s", median)
	}
	d.store.Apply([]storeChange{{Ref: wdsPod("p7", 7, true, nil).Ref}, wdsSlice("web", 0, 7)})
	c.until("removal", func() bool { return c.workload("shop/p7") == nil })
	last := c.log[len(c.log)-1]
	if !slices.Contains(last.RemovedResources, "Kubernetes//Pod/shop/p7") {
		t.Errorf("removed: %v", last.RemovedResources)
	}
}

// A ztunnel that comes back is sent what differs from what it holds, and told what is
// gone. The real one does not say versions: it is sent all again.
func TestZtunnelComesBack(t *testing.T) {
	d := newDiscovery(t)
	d.store.Apply(wdsShop(10))
	first := d.connect(ztunnelID).open(nil).both()
	held := first.versions()
	first.close()

	again := d.connect(ztunnelID).open(held).both()
	for _, r := range again.log {
		if len(r.Resources)+len(r.RemovedResources) > 0 {
			t.Errorf("it holds all, and is sent %d and told that %v are gone", len(r.Resources), r.RemovedResources)
		}
	}
	again.quiet("after coming back")
	again.close()

	d.store.Apply([]storeChange{wdsPod("p3", 3, false, nil), {Ref: wdsPod("p4", 4, true, nil).Ref}, wdsSlice("web", 0, 4)})
	blank := map[string]map[string]string{workload.AddressType: {}}
	for name := range held[workload.AddressType] {
		blank[workload.AddressType][name] = ""
	}
	d.eventually(func() bool {
		return d.hub.Snapshot().Workloads.Get(workload.AddressType, "Kubernetes//Pod/shop/p4") == nil
	})
	for name, versions := range map[string]map[string]map[string]string{"with versions": held, "without": blank} {
		c := d.connect(ztunnelID).open(versions).both()
		var sent, removed []string
		for _, r := range c.log {
			for _, res := range r.Resources {
				sent = append(sent, res.Name)
			}
			removed = append(removed, r.RemovedResources...)
		}
		all := len(d.hub.Snapshot().Workloads.Names(workload.AddressType))
		if name == "without" && len(sent) != all || name != "without" && (!slices.Contains(sent, "Kubernetes//Pod/shop/p3") || slices.Contains(sent, "Kubernetes//Pod/shop/p2")) {
			t.Errorf("%s: sent %v of %d", name, sent, all)
		}
		if !slices.Equal(removed, []string{"Kubernetes//Pod/shop/p4"}) {
			t.Errorf("%s: removed %v", name, removed)
		}
		c.close()
	}
}

// Of a refused response the good resources count, the bad version is sent once, and a
// ztunnel that has not accepted anything yet is given something to accept.
func TestZtunnelRefuses(t *testing.T) {
	d := newDiscovery(t)
	d.store.Apply(wdsShop(5))
	c := d.connect(ztunnelID)
	const bad = "Kubernetes//Pod/shop/p2"
	c.refuse = func(r *discoveryv3.DeltaDiscoveryResponse) string {
		for _, res := range r.Resources {
			if res.Name == bad {
				return bad + ": no such protocol; "
			}
		}
		return ""
	}
	c.open(nil).both()
	c.until("something to accept", func() bool {
		last := c.log[len(c.log)-1]
		return len(c.log) > 2 && last.TypeUrl == workload.AddressType && len(last.Resources) == 0
	})
	c.quiet("what was refused is not sent again")
	d.eventually(func() bool {
		return slices.ContainsFunc(d.hub.Problems(), func(p problem) bool {
			return p.Object.Kind == "Pod" && p.Object.Name == "p2" && strings.Contains(p.Message, "no such protocol")
		})
	})
	c.refuse = nil
	d.store.Apply([]storeChange{wdsPod("p2", 2, false, nil)})
	c.until("another version", func() bool { return c.workload("shop/p2").GetStatus() == workloadapi.WorkloadStatus_UNHEALTHY })
	last := c.log[len(c.log)-1]
	if len(last.Resources) != 1 {
		t.Errorf("the good ones are sent again: %d", len(last.Resources))
	}
	d.eventually(func() bool {
		return !slices.ContainsFunc(d.hub.Problems(), func(p problem) bool { return p.Reason == model.ProxyRejected })
	})

	c.refuse = func(*discoveryv3.DeltaDiscoveryResponse) string { return "no" }
	d.store.Apply([]storeChange{wdsPod("p1", 1, false, nil), wdsPod("p0", 0, false, nil)})
	c.until("both", func() bool { return c.workload("shop/p0").GetStatus() == workloadapi.WorkloadStatus_UNHEALTHY })
	c.quiet("a refusal that names nothing")
}

// What every ztunnel is sent is the same, to the byte, and encoded once.
func TestZtunnelsAreSentTheSame(t *testing.T) {
	d := newDiscovery(t)
	d.store.Apply(append(wdsShop(20), wdsGateway(true)...))
	a := d.connect(ztunnelID).open(nil).both()
	b := d.connect(strings.ReplaceAll(ztunnelID, "10.0.0.1", "10.0.0.2")).open(nil).both()
	d.store.Apply([]storeChange{wdsPod("p3", 3, false, nil)})
	for _, c := range []*wdsClient{a, b} {
		c.until("health", func() bool { return c.workload("shop/p3").GetStatus() == workloadapi.WorkloadStatus_UNHEALTHY })
	}
	for _, url := range []string{workload.AddressType, workload.AuthorizationType} {
		if !slices.Equal(a.names(url), b.names(url)) || len(a.names(url)) == 0 {
			t.Errorf("%v and %v", a.names(url), b.names(url))
		}
		for name, r := range a.held[url] {
			if !bytes.Equal(r.Resource.Value, b.held[url][name].Resource.Value) || r.Version != b.held[url][name].Version {
				t.Errorf("%s differs", name)
			}
		}
	}
}

// Nobody else is served workloads, and a name that does not exist is told so.
func TestWorkloadsAreForZtunnels(t *testing.T) {
	d := newDiscovery(t)
	d.store.Apply(wdsShop(3))
	c := d.connect("shop/sidecar-0")
	c.send(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: workload.AddressType, ResourceNamesSubscribe: []string{"*", web}})
	if r := c.next(20 * time.Second); r == nil || len(r.Resources) > 0 {
		t.Errorf("a sidecar is sent %v", r)
	}
	d.store.Apply([]storeChange{wdsPod("p1", 1, false, nil)})
	c.quiet("a sidecar is told of workloads")

	z := d.connect(ztunnelID)
	z.send(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: workload.AddressType, ResourceNamesSubscribe: []string{"*"}, ResourceNamesUnsubscribe: []string{"*"}})
	if r := z.next(20 * time.Second); r == nil || len(r.Resources) > 0 {
		t.Errorf("a ztunnel that asks for nothing yet is answered %v", r)
	}
	z.send(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: workload.AddressType, ResourceNamesSubscribe: []string{web, "/10.96.0.1"}})
	r := z.next(20 * time.Second)
	if r == nil || len(r.Resources) != 1 || r.Resources[0].Name != web || !slices.Equal(r.RemovedResources, []string{"/10.96.0.1"}) {
		t.Errorf("by name: %v", r)
	}
}

// A policy is there before what names it, whichever was asked for first, and goes after.
func TestPoliciesComeBeforeWhatNamesThem(t *testing.T) {
	d := newDiscovery(t)
	behind := map[string]string{"networking.coastwise.dev/use-waypoint": "way"}
	d.store.Apply(append(wdsShop(3), wdsService("web", "10.96.0.1", behind)))
	d.store.Apply(wdsGateway(true))
	d.eventually(func() bool { return len(d.hub.Snapshot().Entries) == 2 })
	c := d.connect(ztunnelID).open(nil).both()
	const policy = "shop/only-through-way"
	if c.log[0].TypeUrl != workload.AuthorizationType || len(c.names(workload.AuthorizationType)) != 1 {
		t.Errorf("%s came first, with %v", c.log[0].TypeUrl, c.names(workload.AuthorizationType))
	}
	if body := c.held[workload.AuthorizationType][policy].GetResource().GetValue(); !bytes.Contains(body, []byte("sa-way-0")) {
		t.Errorf("the policy does not let the waypoint's pod through: %q", body)
	}
	if got := c.workload("shop/p0").GetAuthorizationPolicies(); !slices.Equal(got, []string{policy}) {
		t.Errorf("p0 has the policies %v", got)
	}
	if got := c.workload("shop/way-0"); len(got.GetAuthorizationPolicies()) > 0 || got.GetApplicationTunnel().GetPort() != 15088 {
		t.Errorf("the waypoint's own pod: %v", got)
	}
	if a := c.address(web).GetService().GetWaypoint().GetAddress().GetAddress(); !bytes.Equal(a, []byte{10, 96, 9, 9}) {
		t.Errorf("the waypoint of web is %v", a)
	}
	for i := range 10 {
		before := len(c.log)
		d.store.Apply(wdsGateway(i%2 == 1))
		c.until("policy", func() bool {
			return len(c.names(workload.AuthorizationType)) == i%2 && len(c.workload("shop/p0").GetAuthorizationPolicies()) == i%2
		})
		if first := c.log[before].TypeUrl; (first == workload.AuthorizationType) != (i%2 == 1) {
			t.Errorf("%d: %s came first", i, first)
		}
	}
	d.store.Apply([]storeChange{{Ref: wdsService("way", "", nil).Ref}})
	c.until("no address", func() bool { return c.address(web).GetService().GetWaypoint() == nil })
}

// Who says that it is a ztunnel must be one, by its service account.
func TestZtunnelsAreVerified(t *testing.T) {
	s := secure(t, "")
	for name, c := range map[string]struct {
		uri, id string
		want    codes.Code
	}{
		"istio's":           {"spiffe://cluster.local/ns/istio-system/sa/ztunnel", ztunnelID, codes.OK},
		"another account":   {"spiffe://cluster.local/ns/istio-system/sa/web", ztunnelID, codes.PermissionDenied},
		"another namespace": {"spiffe://cluster.local/ns/shop/sa/ztunnel", strings.ReplaceAll(ztunnelID, "istio-system", "shop"), codes.PermissionDenied},
		"claims another's":  {"spiffe://cluster.local/ns/shop/sa/ztunnel", ztunnelID, codes.PermissionDenied},
		"no id":             {"spiffe://cluster.local/ns/istio-system/sa/ztunnel", "ztunnel~x", codes.InvalidArgument},
	} {
		if err := s.ask("", c.uri, c.id, ""); status.Code(err) != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	// Counted, since of one peer the log has a line a second, whatever comes first.
	if n := s.refused(t, "not_ztunnel"); n != 2 {
		t.Errorf("%v were refused as no ztunnels, not 2", n)
	}
	if n := s.refused(t, "other_namespace"); n != 1 {
		t.Errorf("%v were refused for another's namespace, not 1", n)
	}
	c := Config{Ztunnels: ZtunnelConfig{Accounts: []string{"mesh/zt"}}}
	if !c.isZtunnel(verified("mesh", "zt")) || c.isZtunnel(verified("istio-system", "ztunnel")) {
		t.Error("--ztunnel")
	}
	if errs := (ZtunnelConfig{Cluster: "a/b", Accounts: []string{"x", "a/b"}}).mistakes(); len(errs) != 2 {
		t.Errorf("%v", errs)
	}
}

// refused is how many streams were refused for a reason.
func (s *secured) refused(t *testing.T, reason string) float64 {
	t.Helper()
	families, err := s.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "coastwise_streams_refused_total" && m.GetLabel()[0].GetValue() == reason {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func (d *discovery) eventually(holds func() bool) {
	d.t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			d.t.Fatal(fmt.Sprint("it does not come true: ", d.hub.Problems()))
		}
	}
}
