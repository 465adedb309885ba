package snapshot

import (
	"testing"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	"google.golang.org/protobuf/proto"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// asDNS builds services as if DNS resolved them while on is set.
func asDNS(on *bool) builder {
	return func(s *model.Service, v model.Variant) (translate.Built, error) {
		if !*on {
			return translate.Build(s, v)
		}
		external := *s
		external.Resolution, external.DNSRefreshRate = model.DNS, time.Minute
		return translate.Build(&external, v)
	}
}

// inlined are the addresses in a cluster that a member is sent, by priority.
func inlined(t *testing.T, m *Member, name string) (out []string) {
	t.Helper()
	r := m.Take().View.Get(envoy.ClusterType, name)
	c := new(clusterv3.Cluster)
	if r == nil || proto.Unmarshal(r.Body, c) != nil {
		t.Fatal("no cluster")
	}
	for _, g := range c.GetLoadAssignment().GetEndpoints() {
		for _, e := range g.LbEndpoints {
			out = append(out, e.GetEndpoint().GetAddress().GetSocketAddress().GetAddress())
		}
	}
	return out
}

func equalStrings(a []string, b ...string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// A cluster that holds its endpoints is another one for clients of another place,
// changes with its endpoints, and has no endpoints beside it.
func TestClustersThatHoldTheirEndpoints(t *testing.T) {
	dns := true
	h, st := newHub(t)
	h.build = asDNS(&dns)
	st.Apply([]store.Change{
		service("one"), nodeIn("na", "eu", "a"), nodeIn("nb", "eu", "b"), ruleFor("one", &v1alpha1.LocalityLbSetting{}),
		endpointSlice("one", "one-x", "a", "10.0.0.1"), endpointSlice("one", "one-y", "b", "10.0.0.2"),
	})
	h.Publish(time.Now())
	name := cluster("one")
	a, b := join(t, h, sidecar("a", "a")), join(t, h, sidecar("b", "b"))
	if got := inlined(t, a, name); !equalStrings(got, "10.0.0.1", "10.0.0.2") {
		t.Errorf("in zone a: %q", got)
	}
	if got := inlined(t, b, name); !equalStrings(got, "10.0.0.2", "10.0.0.1") {
		t.Errorf("in zone b: %q", got)
	}
	if v := version(a, envoy.EndpointType, name); v != "" {
		t.Error("endpoints beside the cluster")
	}

	before := version(a, envoy.ClusterType, name)
	st.Apply([]store.Change{endpointSlice("one", "one-x", "a", "10.0.0.1", "10.0.0.3")})
	h.Publish(time.Now())
	for _, m := range []*Member{a, b} {
		if u := take(m); !equalStrings(u.Names, name) {
			t.Errorf("woken for %q", u.Names)
		}
	}
	if got := inlined(t, a, name); !equalStrings(got, "10.0.0.1", "10.0.0.3", "10.0.0.2") || version(a, envoy.ClusterType, name) == before {
		t.Errorf("after an edit: %q", got)
	}

	dns = false
	st.Apply([]store.Change{endpointSlice("one", "one-x", "a", "10.0.0.1")})
	h.Publish(time.Now())
	if u := take(a); !equalStrings(u.Names, name) {
		t.Errorf("woken for %q", u.Names)
	}
	if got := inlined(t, a, name); got != nil || version(a, envoy.EndpointType, name) == "" {
		t.Errorf("not by EDS again: %q", got)
	}
}
