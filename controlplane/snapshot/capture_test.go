package snapshot

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// addressed is a Service with a cluster IP; its port speaks a protocol.
func addressed(name, ip, protocol string) store.Change {
	c := service(name)
	s := c.Object.(*corev1.Service)
	s.Spec.ClusterIPs, s.Spec.Ports[0].AppProtocol = []string{ip}, &protocol
	return c
}

func outboundMode(mode string) store.Change {
	c := &v1alpha1.MeshConfig{}
	c.Name, c.Spec.OutboundTrafficPolicy = "default", &v1alpha1.OutboundTrafficPolicy{Mode: mode}
	return store.Change{Ref: model.ObjectRef{Kind: "MeshConfig", Name: "default"}, Object: c}
}

// captured is a sidecar with capture, and with an HTTP proxy port that takes CONNECT.
func captured(id string) model.Proxy {
	p := sidecar(id, "a")
	p.Bind, p.HTTPProxyPort, p.Capture, p.Internal = "0.0.0.0", 15080, true, true
	return p
}

func TestCaptureFollowsTheClaims(t *testing.T) {
	h, _ := newHub(t, addressed("one", "10.96.0.1", "http"))
	older, alone := captured("older"), captured("alone")
	older.Internal, older.Capture = false, false
	alone.HTTPProxyPort = 0
	for _, c := range []struct {
		claims              model.Proxy
		listeners, clusters []string
	}{
		{captured("both"), []string{"capture", "http-proxy", "inbound", "outbound"}, []string{"inbound", "outbound", "passthrough"}},
		{alone, []string{"capture", "inbound"}, []string{"inbound", "passthrough"}},
		{older, []string{"http-proxy"}, nil},
	} {
		v := join(t, h, c.claims).Take().View
		if got := v.Names(envoy.ListenerType); !slices.Equal(got, c.listeners) {
			t.Errorf("%s has listeners %q, want %q", c.claims.ID, got, c.listeners)
		}
		for _, name := range c.listeners {
			if v.Get(envoy.ListenerType, name) == nil {
				t.Errorf("%s cannot get listener %s", c.claims.ID, name)
			}
		}
		for _, name := range []string{"inbound", "outbound", "passthrough"} {
			has := v.Get(envoy.ClusterType, name) != nil
			if want := slices.Contains(c.clusters, name); has != want || slices.Contains(v.Names(envoy.ClusterType), name) != want {
				t.Errorf("%s has cluster %s: %v, want %v", c.claims.ID, name, has, want)
			}
		}
	}
}

// A change of the mode, of a service and of how TCP is carried re-sends the listeners,
// one of endpoints does not.
func TestCaptureListenersChange(t *testing.T) {
	h, st := newHub(t, addressed("one", "10.96.0.1", "http"), addressed("db", "10.96.0.2", "tcp"))
	m := join(t, h, captured("p"))
	last := m.Take().View.Get(envoy.ListenerType, "capture").Version
	plain := join(t, h, sidecar("plain", "a"))
	plain.Take()
	for _, c := range []struct {
		what   string
		change store.Change
		differ bool
	}{
		{"REGISTRY_ONLY", outboundMode("REGISTRY_ONLY"), true},
		{"endpoints", endpointSlice("one", "one-1", "z", "10.0.0.1"), false},
		{"another service", addressed("two", "10.96.0.3", "http"), true},
		{"an idle timeout", idleRule("db", "10s", nil), true},
		{"ALLOW_ANY", outboundMode("ALLOW_ANY"), true},
	} {
		st.Apply([]store.Change{c.change})
		h.Publish(time.Now())
		u := m.Take()
		now := u.View.Get(envoy.ListenerType, "capture").Version
		if (now != last) != c.differ || c.differ && !u.Scope && !u.All {
			t.Errorf("%s: the listener differs: %v, and the stream is told to look: %v", c.what, now != last, u.Scope)
		}
		last = now
	}
}

func TestCaptureTellsOfOneAddress(t *testing.T) {
	h, _ := newHub(t, addressed("one", "10.96.0.1", "http"), addressed("two", "10.96.0.1", "http"))
	told := func() bool {
		return slices.ContainsFunc(h.Problems(), func(p model.Problem) bool {
			return p.Reason == model.Conflicted && p.Object.Name == "two" && p.Field == "spec.clusterIPs"
		})
	}
	if told() {
		t.Error("told though no client is captured")
	}
	join(t, h, captured("p"))
	if !told() {
		t.Errorf("not told: %v", h.Problems())
	}
}
