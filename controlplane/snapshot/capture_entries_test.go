package snapshot

import (
	"bytes"
	"slices"
	"testing"
	"time"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	"google.golang.org/protobuf/proto"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// noneEntry is an entry of NAME.example with resolution NONE and one port.
func noneEntry(name string, addresses []string, port int64, protocol string) store.Change {
	e := &v1alpha1.ServiceEntry{Spec: v1alpha1.ServiceEntrySpec{
		Hosts: []string{name + ".example"}, Addresses: addresses, Resolution: "NONE",
		Ports: []v1alpha1.ServicePort{{Number: port, Name: "port", Protocol: protocol}},
	}}
	e.Namespace, e.Name = "default", name
	return store.Change{Ref: model.ObjectRef{Kind: v1alpha1.KindServiceEntry, Namespace: "default", Name: name}, Object: e}
}

func fenceRule(host string) store.Change {
	c := hashRule("default", host, "x")
	rule := c.Object.(*v1alpha1.DestinationRule)
	rule.Name, c.Ref.Name = "fence", "fence"
	rule.Spec.TrafficPolicy = &v1alpha1.TrafficPolicy{
		LoadBalancer: &v1alpha1.LoadBalancer{LocalityLbSetting: &v1alpha1.LocalityLbSetting{AllowedRegions: []string{"eu"}}},
	}
	return c
}

// An update of one entry re-sends what hangs on it, and leaves the chains of all others as
// they are, byte for byte: only then does Envoy drain nobody else.
func TestCapturedEntriesChange(t *testing.T) {
	const routes = "original|80"
	h, st := newHub(t, addressed("one", "10.96.0.1", "http"),
		noneEntry("block", []string{"10.0.0.0/9"}, 9000, "TCP"), noneEntry("tcp", nil, 7000, "TCP"), noneEntry("web", nil, 80, "HTTP"),
		noneEntry("own", []string{"10.0.0.0/8"}, 15001, "TCP"))
	m := join(t, h, captured("p"))
	v := m.Take().View
	plain := join(t, h, sidecar("plain", "a"))
	if r := plain.Take().View.Get(envoy.RouteType, routes); r != nil {
		t.Error("a client without capture has routes of a port alone")
	}
	for _, c := range []struct {
		what                     string
		change                   store.Change
		listeners, routes, chain bool
		name                     string // of the one chain that may differ
	}{
		{"a block grows", noneEntry("block", []string{"10.0.0.0/8"}, 9000, "TCP"), true, false, false, ""},
		{"another host", noneEntry("other", nil, 80, "HTTP"), false, true, false, ""},
		{"addresses are written", noneEntry("tcp", []string{"10.1.0.0/16"}, 7000, "TCP"), true, false, false, ""},
		{"an idle timeout", idleRule("block.example", "10s", nil), true, false, true, "outbound|9000||block.example"},
		{"a fence", fenceRule("own.example"), true, false, true, "outbound|15001||own.example"},
		{"REGISTRY_ONLY", outboundMode("REGISTRY_ONLY"), true, true, false, ""},
		{"a host goes", store.Change{Ref: noneEntry("other", nil, 0, "").Ref}, false, true, false, ""},
		{"the last host goes", store.Change{Ref: noneEntry("web", nil, 0, "").Ref}, true, true, true, routes},
	} {
		st.Apply([]store.Change{c.change})
		h.Publish(time.Now())
		u := m.Take()
		if !u.Scope {
			t.Errorf("%s: the stream is not told to look", c.what)
		}
		was, is := chainsOf(t, v), chainsOf(t, u.View)
		for name, body := range was {
			if !bytes.Equal(body, is[name]) && name != c.name {
				t.Errorf("%s: chain %s changed", c.what, name)
			}
		}
		if c.chain && bytes.Equal(was[c.name], is[c.name]) {
			t.Errorf("%s: chain %s is as it was", c.what, c.name)
		}
		for _, x := range []struct {
			url, name string
			differ    bool
		}{{envoy.ListenerType, "capture", c.listeners}, {envoy.RouteType, routes, c.routes}} {
			if differs := versionIn(v, x.url, x.name) != versionIn(u.View, x.url, x.name); differs != x.differ {
				t.Errorf("%s: %s differs: %v", c.what, x.name, differs)
			}
		}
		v = u.View
	}
}

// versionIn is "" for what is not there.
func versionIn(v *View, typeURL, name string) string {
	if r := v.Get(typeURL, name); r != nil {
		return r.Version
	}
	return ""
}

// chainsOf are the filter chains of the capture listener.
func chainsOf(t *testing.T, v *View) map[string][]byte {
	t.Helper()
	l := new(listenerv3.Listener)
	if err := proto.Unmarshal(v.Get(envoy.ListenerType, "capture").Body, l); err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, c := range l.GetFilterChains() {
		body, err := proto.MarshalOptions{Deterministic: true}.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		out[c.GetName()] = body
	}
	return out
}

// Who loses a block or a port is told, where clients are captured.
func TestCaptureTellsOfOneBlock(t *testing.T) {
	h, _ := newHub(t, noneEntry("a", []string{"10.0.0.0/8"}, 9000, "TCP"), noneEntry("b", []string{"10.0.0.0/8"}, 9000, "TCP"),
		noneEntry("c", nil, 80, "HTTP"), noneEntry("d", nil, 80, "TCP"))
	join(t, h, captured("p"))
	var told []string
	for _, p := range h.Problems() {
		if p.Reason == model.Conflicted {
			told = append(told, p.Object.Name+" "+p.Field)
		}
	}
	if want := []string{"b spec.addresses", "d spec.ports"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}
