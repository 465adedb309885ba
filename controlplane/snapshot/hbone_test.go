package snapshot

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// behindZtunnel is the TCP service one, attached, with an endpoint whose Pod has a ztunnel.
func behindZtunnel() []store.Change {
	one := withWaypoint("one", "10.96.0.1")
	for i := range one.Object.(*corev1.Service).Spec.Ports {
		p := &one.Object.(*corev1.Service).Spec.Ports[i]
		p.AppProtocol = new("tcp")
	}
	slice := endpointSlice("one", "one-x", "a", "10.0.0.1")
	s := slice.Object.(*discoveryv1.EndpointSlice)
	s.Endpoints[0].TargetRef = &corev1.ObjectReference{Kind: "Pod", Namespace: "default", Name: "p"}
	pod := &corev1.Pod{}
	pod.Namespace, pod.Name, pod.Labels = "default", "p", map[string]string{"networking.coastwise.dev/tunnel": "hbone"}
	return []store.Change{one, slice, {Ref: model.ObjectRef{Kind: "Pod", Namespace: "default", Name: "p"}, Object: pod}}
}

func hboneProxy(id string) model.Proxy {
	p := waypointProxy(id)
	p.Certificate = model.Certificate{CA: "/ca/" + id, Cert: "/cert/" + id, Key: "/key/" + id}
	return p
}

// A waypoint that ends HBONE has the listeners and clusters of tunnels, and secrets that
// name the files that it claimed itself.
func TestHBONEWaypoint(t *testing.T) {
	h, _ := newHub(t, append(behindZtunnel(), gatewayOf(model.ProtocolHBONE, model.PortHBONE))...)
	m, other := join(t, h, hboneProxy("wp-0")), join(t, h, hboneProxy("wp-1"))
	v, tunnel := m.Take().View, envoy.TunnelOf(cluster("one"))
	if got, want := v.Names(envoy.ListenerType), []string{envoy.ConnectOriginate, envoy.ConnectTerminate, envoy.MainInternal}; !slices.Equal(got, want) {
		t.Errorf("listeners %v", got)
	}
	if got, want := v.Names(envoy.ClusterType), []string{envoy.ConnectOriginate, envoy.MainInternal, tunnel, cluster("one")}; !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("clusters %v", got)
	}
	for _, typeURL := range []string{envoy.ListenerType, envoy.ClusterType} {
		for _, name := range v.Names(typeURL) {
			if r := v.Get(typeURL, name); r == nil || r.Name != name {
				t.Errorf("%s %s: %v", typeURL, name, r)
			}
		}
	}
	if v.Get(envoy.EndpointType, tunnel) == nil {
		t.Error("the tunnels have no endpoints")
	}
	for member, id := range map[*Member]string{m: "wp-0", other: "wp-1"} {
		for _, name := range []string{"coastwise-ca", "coastwise-certificate"} {
			if r := member.Take().View.Get(envoy.SecretType, name); r == nil || !strings.Contains(string(r.Body), id) {
				t.Errorf("%s of %s: %v", name, id, r)
			}
		}
	}
	if v.Get(envoy.SecretType, "another") != nil {
		t.Error("a secret that nobody has")
	}
}

// Who has no certificate gets nothing that would wait for one, and a Problem says why;
// a Gateway that changes its form takes the listeners with it.
func TestHBONENeedsACertificate(t *testing.T) {
	h, st := newHub(t, append(behindZtunnel(), gatewayOf(model.ProtocolHBONE, model.PortHBONE))...)
	without, m := join(t, h, waypointProxy("wp-0")), join(t, h, hboneProxy("wp-1"))
	v := without.Take().View
	if got := v.Names(envoy.ListenerType); len(got) > 0 {
		t.Errorf("listeners %v", got)
	}
	if got := v.Names(envoy.ClusterType); !slices.Equal(got, []string{cluster("one")}) || v.Get(envoy.ClusterType, envoy.TunnelOf(cluster("one"))) != nil {
		t.Errorf("clusters %v", got)
	}
	told := slices.IndexFunc(h.Problems(), func(p model.Problem) bool {
		return p.Object == proxyRef("default/wp-0") && p.Field == "node.metadata.coastwise.certificate" && p.Severity == model.Error
	})
	if told < 0 {
		t.Error("nobody is told")
	}
	before := m.Take().View.Get(envoy.EndpointType, cluster("one")).Version
	apply(h, st, gatewayOf(model.ProtocolPROXY, model.PortPROXY))
	u := m.Take()
	if got := u.View.Names(envoy.ListenerType); !u.All || !slices.Equal(got, []string{envoy.WaypointListener}) {
		t.Errorf("after the change: all %v, listeners %v", u.All, got)
	}
	if u.View.Get(envoy.EndpointType, cluster("one")).Version == before {
		t.Error("endpoints still lead into tunnels")
	}
}

// A plain endpoint that comes ends the direct tunnels of its port, and one that goes
// brings them back: the listener goes over with the clusters.
func TestDirectTunnelsFollowTheEndpoints(t *testing.T) {
	h, st := newHub(t, append(behindZtunnel(), gatewayOf(model.ProtocolHBONE, model.PortHBONE))...)
	m := join(t, h, hboneProxy("wp-0"))
	m.WatchAll(true)
	tunnel := envoy.TunnelOf(cluster("one"))
	direct := func() bool { return slices.Contains(m.Take().View.Names(envoy.ClusterType), tunnel) }
	was := version(m, envoy.ListenerType, envoy.MainInternal)
	plain := endpointSlice("one", "one-y", "b", "10.0.0.2")
	apply(h, st, plain)
	if u := m.Take(); !u.Scope || !slices.Contains(u.Names, tunnel) {
		t.Errorf("told %+v", u)
	}
	if is := version(m, envoy.ListenerType, envoy.MainInternal); direct() || is == was {
		t.Error("TCP still goes straight into tunnels")
	}
	apply(h, st, gone(plain))
	if is := version(m, envoy.ListenerType, envoy.MainInternal); !direct() || is != was {
		t.Error("the tunnels have not come back")
	}
}
