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

// listening is a Service that declares listeners; its port speaks a protocol.
func listening(name, listen, protocol string) store.Change {
	c := service(name)
	s := c.Object.(*corev1.Service)
	s.Annotations = map[string]string{model.ListenAnnotation: listen}
	s.Spec.Ports[0].AppProtocol = &protocol
	return c
}

// idleRule sets the idle timeout of TCP listeners for the clients that labels pick.
func idleRule(host string, idle v1alpha1.Duration, labels map[string]string) store.Change {
	c := hashRule("default", host, "x")
	spec := &c.Object.(*v1alpha1.DestinationRule).Spec
	if labels != nil {
		spec.WorkloadSelector = &v1alpha1.WorkloadSelector{MatchLabels: labels}
	}
	spec.TrafficPolicy = &v1alpha1.TrafficPolicy{ConnectionPool: &v1alpha1.ConnectionPool{TCP: &v1alpha1.TCPSettings{IdleTimeout: &idle}}}
	return c
}

func listenerNames(m *Member) []string { return m.Take().View.Names(envoy.ListenerType) }

func TestExplicitListenersComeAndGo(t *testing.T) {
	h, st := newHub(t, listening("one", "80=18080", "http"))
	at := func(bind string, port uint32) model.Proxy {
		p := sidecar("at"+bind, "a")
		p.Bind, p.HTTPProxyPort = bind, port
		return p
	}
	near, far, blocked := join(t, h, at("127.0.0.1", 15080)), join(t, h, at("127.0.0.2", 0)), join(t, h, at("127.0.0.3", 18080))
	deaf := join(t, h, at("", 0))
	for m, want := range map[*Member][]string{near: {"http-proxy", "listen|18080"}, far: {"listen|18080"}, blocked: {"http-proxy"}, deaf: nil} {
		if got := listenerNames(m); !slices.Equal(got, want) {
			t.Errorf("%s has %q, want %q", m.claims.ID, got, want)
		}
	}
	const name, routes = "listen|18080", "listen|18080|one.default.svc.cluster.local"
	if a, b := version(near, envoy.ListenerType, name), version(far, envoy.ListenerType, name); a == "" || b == "" || a == b {
		t.Errorf("on two addresses: %q and %q", a, b)
	}
	if a, b := version(near, envoy.RouteType, routes), version(far, envoy.RouteType, routes); a == "" || a != b {
		t.Errorf("their routes: %q and %q", a, b)
	}
	for _, m := range []*Member{blocked, deaf} {
		if version(m, envoy.ListenerType, name)+version(m, envoy.RouteType, routes) != "" {
			t.Errorf("%s is answered what it does not have", m.claims.ID)
		}
	}
	for _, wrong := range []string{"listen|18080|two", "listen|018080", "listen|", "listen|18081", routes} {
		if version(near, envoy.ListenerType, wrong) != "" {
			t.Errorf("there is a listener %q", wrong)
		}
	}
	proxy := version(near, envoy.ListenerType, "http-proxy")
	st.Apply([]store.Change{service("one")})
	h.Publish(time.Now())
	if !take(near).Scope {
		t.Error("nobody is told that the annotation went")
	}
	if got := listenerNames(near); !slices.Equal(got, []string{"http-proxy"}) || version(near, envoy.ListenerType, "http-proxy") != proxy {
		t.Errorf("without the annotation: %q", got)
	}
}

// What a TCP listener says of idle connections and of its hash key reaches it, for
// just the clients that the rule is for.
func TestPoliciesReachTheListeners(t *testing.T) {
	h, st := newHub(t, listening("one", "80=18080", "tcp"))
	labelled := sidecar("b", "a")
	labelled.Labels = map[string]string{"app": "web"}
	plain, picked := join(t, h, sidecar("a", "a")), join(t, h, labelled)
	listener := func(m *Member) string { return version(m, envoy.ListenerType, "listen|18080") }
	apply := func(c store.Change) {
		st.Apply([]store.Change{c})
		h.Publish(time.Now())
	}
	before := listener(plain)
	if before == "" || listener(picked) != before {
		t.Fatalf("%q, %q", before, listener(picked))
	}
	apply(idleRule("one", "10s", nil))
	if !take(plain).Scope || listener(plain) == before || listener(picked) == before {
		t.Error("the idle timeout does not reach the listeners")
	}
	apply(idleRule("one", "10s", labelled.Labels))
	if listener(plain) != before || listener(picked) == before {
		t.Error("a workloadSelector does not decide whose listener it is")
	}
	header := hashRule("default", "one", "x-user")
	apply(header)
	if listener(plain) != before {
		t.Error("a header means nothing to a TCP listener")
	}
	yes := true
	header.Object.(*v1alpha1.DestinationRule).Spec.TrafficPolicy.LoadBalancer.ConsistentHash = &v1alpha1.ConsistentHash{UseSourceIP: &yes}
	apply(hashRule("default", "other", "x"))
	apply(header)
	if listener(plain) == before {
		t.Error("the source address is no key of the listener")
	}
}

func TestProblemsOfListeners(t *testing.T) {
	h, st := newHub(t, listening("one", "80=18080", "http"), listening("two", "80=18080,http=15080", "http"))
	p := sidecar("c", "a")
	p.Bind, p.HTTPProxyPort = "127.0.0.1", 15080
	m := join(t, h, p)
	of := func(reason model.Reason) (out []string) {
		for _, p := range h.Problems() {
			if p.Reason == reason {
				out = append(out, p.Object.Name+": "+p.Message[:19])
			}
		}
		return out
	}
	if got, want := of(model.Conflicted), []string{"two: listener port 15080", "two: listener port 18080"}; !slices.EqualFunc(got, want, func(a, b string) bool { return a == b[:len(a)] }) {
		t.Errorf("%q, want %q", got, want)
	}
	for _, r := range []Refusal{{TypeURL: envoy.ListenerType, Name: "listen|18080"}, {TypeURL: envoy.RouteType, Name: "listen|18080|one.default.svc.cluster.local"}} {
		r.ProxyID, r.Message = p.ID, "cannot bind to the address"
		h.Refuse(r)
		if got := of(model.ProxyRejected); len(got) != 1 || got[0][:4] != "one:" {
			t.Errorf("refused %s: %q", r.Name, got)
		}
		delete(h.refused, refusedKey{typeURL: r.TypeURL, name: r.Name})
	}
	h.Refuse(Refusal{ProxyID: p.ID, TypeURL: envoy.ListenerType, Name: "listen|18080", Message: "cannot bind to the address"})
	st.Apply([]store.Change{listening("two", "80=18081", "http")})
	h.Publish(time.Now())
	if got := of(model.ProxyRejected); len(got) != 1 {
		t.Errorf("another listener changed: %q", got)
	}
	st.Apply([]store.Change{listening("one", "80=18082", "http")})
	h.Publish(time.Now())
	if got := of(model.ProxyRejected); len(got) != 0 {
		t.Errorf("it is gone, and the refusal stays: %q", got)
	}
	m.Leave()
	if got := of(model.Conflicted); len(got) != 0 {
		t.Errorf("nobody is there, and %q", got)
	}
}
