package snapshot

import (
	"slices"
	"strings"
	"testing"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// edgeChange is Gateway default/NAME of the class of the edge.
func edgeChange(name string, listeners ...gatewayv1.Listener) store.Change {
	g := &gatewayv1.Gateway{}
	g.Namespace, g.Name = "default", name
	g.Spec.GatewayClassName, g.Spec.Listeners = model.EdgeClass, listeners
	return store.Change{Ref: model.ObjectRef{Kind: "Gateway", Namespace: "default", Name: name}, Object: g}
}

func plainListener(name string, port int) gatewayv1.Listener {
	return gatewayv1.Listener{Name: gatewayv1.SectionName(name), Port: gatewayv1.PortNumber(port), Protocol: gatewayv1.HTTPProtocolType}
}

func encryptedListener(name, host string) gatewayv1.Listener {
	l := plainListener(name, 443)
	l.Protocol, l.Hostname = gatewayv1.HTTPSProtocolType, (*gatewayv1.Hostname)(&host)
	l.TLS = &gatewayv1.ListenerTLSConfig{CertificateRefs: []gatewayv1.SecretObjectReference{{Name: gatewayv1.ObjectName(name)}}}
	return l
}

// routeChange is HTTPRoute default/NAME of a Gateway, with one backend.
func routeChange(name, gateway, host, backend string) store.Change {
	r := &gatewayv1.HTTPRoute{}
	r.Namespace, r.Name = "default", name
	r.Spec.ParentRefs = []gatewayv1.ParentReference{{Name: gatewayv1.ObjectName(gateway)}}
	r.Spec.Hostnames = []gatewayv1.Hostname{gatewayv1.Hostname(host)}
	port := gatewayv1.PortNumber(80)
	to := gatewayv1.HTTPBackendRef{}
	to.Name, to.Port = gatewayv1.ObjectName(backend), &port
	r.Spec.Rules = []gatewayv1.HTTPRouteRule{{BackendRefs: []gatewayv1.HTTPBackendRef{to}}}
	return store.Change{Ref: model.ObjectRef{Kind: "HTTPRoute", Namespace: "default", Name: name}, Object: r}
}

func edgeProxy(id, gateway string, port uint32) model.Proxy {
	return model.Proxy{ID: "default/" + id, Kind: model.Gateway, Namespace: "default", Gateway: gateway, Bind: "127.0.0.1", HTTPProxyPort: port}
}

// problemOf finds what is told of an object.
func problemOf(h *Hub, object string, reason model.Reason) string {
	for _, p := range h.Problems() {
		if p.Object.String() == object && p.Reason == reason {
			return p.Field + ": " + p.Message
		}
	}
	return ""
}

// Listeners and routes of a Gateway come with it, follow it and go with it, for just the
// proxies that run it.
func TestEdgeGatewayComesAndGoes(t *testing.T) {
	h, st := newHub(t, service("one"), service("two"))
	edge, other := join(t, h, edgeProxy("a", "default/edge", 15080)), join(t, h, edgeProxy("b", "default/other", 0))
	plain := join(t, h, edgeProxy("c", "", 15080))
	apply := func(changes ...store.Change) {
		t.Helper()
		st.Apply(changes)
		h.Publish(time.Now())
	}
	if got := listenerNames(edge); !slices.Equal(got, []string{"http-proxy"}) {
		t.Errorf("before there is a Gateway: %q", got)
	}
	if got := problemOf(h, "Proxy default/a", model.TargetNotFound); !strings.Contains(got, "there is no Gateway default/edge") {
		t.Errorf("told %q", got)
	}
	take(edge)
	apply(edgeChange("edge", plainListener("web", 80)), routeChange("r", "edge", "a.example", "one"))
	if !take(edge).Scope || take(other).Scope || take(plain).Scope {
		t.Error("not just the proxies of the Gateway are told")
	}
	for m, want := range map[*Member][]string{edge: {"gateway|80", "http-proxy"}, other: nil, plain: {"http-proxy"}} {
		if got := listenerNames(m); !slices.Equal(got, want) {
			t.Errorf("%s has %q, want %q", m.claims.ID, got, want)
		}
	}
	if version(other, envoy.ListenerType, "gateway|80")+version(plain, envoy.RouteType, "gateway|80") != "" {
		t.Error("others are answered what they do not have")
	}
	listener, routes := version(edge, envoy.ListenerType, "gateway|80"), version(edge, envoy.RouteType, "gateway|80")
	apply(routeChange("r", "edge", "b.example", "two"))
	if now := version(edge, envoy.RouteType, "gateway|80"); routes == "" || now == routes || now == "" {
		t.Errorf("an edit of a route: %q, was %q", now, routes)
	}
	apply(edgeChange("edge", plainListener("web", 80), plainListener("more", 8080)))
	if got := listenerNames(edge); !slices.Equal(got, []string{"gateway|80", "gateway|8080", "http-proxy"}) || listener == "" || version(edge, envoy.ListenerType, "gateway|80") != listener {
		t.Errorf("one more listener: %q", got)
	}
	if got := problemOf(h, "Proxy default/a", model.TargetNotFound); got != "" {
		t.Errorf("still told %q", got)
	}
	apply(gone(edgeChange("edge")))
	if !take(edge).Scope || !slices.Equal(listenerNames(edge), []string{"http-proxy"}) {
		t.Error("the Gateway is gone, and its listeners are not")
	}
}

// A hash key reaches the routes of the edge, as it does the HTTP proxy port.
func TestPoliciesReachTheEdge(t *testing.T) {
	h, st := newHub(t, service("one"), edgeChange("edge", plainListener("web", 80)), routeChange("r", "edge", "a.example", "one"))
	m := join(t, h, edgeProxy("a", "default/edge", 0))
	before := version(m, envoy.RouteType, "gateway|80")
	st.Apply([]store.Change{hashRule("default", "one", "x-user")})
	h.Publish(time.Now())
	told := take(m).Scope
	if now := version(m, envoy.RouteType, "gateway|80"); before == "" || now == before || !told {
		t.Errorf("%q, was %q; told: %t", now, before, told)
	}
}

// Certificates are files: a listener comes with its own, and others do not wait for it.
func TestEdgeCertificatesComeAndGo(t *testing.T) {
	h, st := newHub(t, edgeChange("edge", encryptedListener("a", "a.example"), encryptedListener("b", "b.example")))
	m := join(t, h, edgeProxy("a", "default/edge", 0))
	with := func(names ...string) {
		c := ingest.Credentials{Folders: []string{"/certs"}, In: map[string]string{}}
		for _, name := range names {
			c.In["default."+name] = "/certs"
		}
		st.SetCredentials(c)
		h.Publish(time.Now())
	}
	if got := listenerNames(m); len(got) > 0 {
		t.Errorf("without certificates: %q", got)
	}
	with("a")
	first := version(m, envoy.ListenerType, "gateway|443")
	if first == "" || version(m, envoy.RouteType, "gateway|443|a") == "" || version(m, envoy.RouteType, "gateway|443|b") != "" {
		t.Error("one certificate is not one listener")
	}
	with("a", "b")
	if now := version(m, envoy.ListenerType, "gateway|443"); now == first || version(m, envoy.RouteType, "gateway|443|b") == "" {
		t.Error("the second certificate does not come")
	}
	if got := problemOf(h, "Gateway default/edge", model.InvalidCertificateRef); got != "" {
		t.Errorf("told %q", got)
	}
	with("b")
	if version(m, envoy.RouteType, "gateway|443|a") != "" || problemOf(h, "Gateway default/edge", model.InvalidCertificateRef) == "" {
		t.Error("a file that is gone is not told")
	}
}

// Of one port of a proxy its HTTP proxy port has the first claim, then its Gateway, then
// what Services declare; the losers are told.
func TestEdgePortsOfOthers(t *testing.T) {
	h, _ := newHub(t, listening("one", "80=18080", "http"), edgeChange("edge", plainListener("web", 18080), plainListener("own", 15080)))
	m := join(t, h, edgeProxy("a", "default/edge", 15080))
	if got := listenerNames(m); !slices.Equal(got, []string{"gateway|18080", "http-proxy"}) {
		t.Errorf("%q", got)
	}
	if got := problemOf(h, "Gateway default/edge", model.PortUnavailable); !strings.HasPrefix(got, "spec.listeners[1].port: ") {
		t.Errorf("told %q", got)
	}
	if got := problemOf(h, "Service default/one", model.Conflicted); !strings.Contains(got, "Gateway default/edge") {
		t.Errorf("told %q", got)
	}
}

// A refusal stands on the Gateway until the Gateway changes.
func TestEdgeRefused(t *testing.T) {
	h, st := newHub(t, edgeChange("edge", plainListener("web", 80)))
	join(t, h, edgeProxy("a", "default/edge", 0))
	h.Refuse(Refusal{ProxyID: "default/a", TypeURL: envoy.ListenerType, Name: "gateway|80", Message: "no"})
	if got := problemOf(h, "Gateway default/edge", model.ProxyRejected); !strings.Contains(got, "default/a refused gateway|80: no") {
		t.Errorf("told %q", got)
	}
	st.Apply([]store.Change{edgeChange("edge", plainListener("web", 80), plainListener("more", 81))})
	h.Publish(time.Now())
	if got := problemOf(h, "Gateway default/edge", model.ProxyRejected); got != "" {
		t.Errorf("still told %q", got)
	}
}

// A proxy of another namespace does not get a Gateway's listeners by naming it.
func TestEdgeOfAnotherNamespace(t *testing.T) {
	h, _ := newHub(t, edgeChange("edge", plainListener("web", 80)))
	foreign := edgeProxy("a", "default/edge", 0)
	foreign.ID, foreign.Namespace = "other/a", "other"
	if got := listenerNames(join(t, h, foreign)); len(got) > 0 {
		t.Errorf("%q", got)
	}
	if got := problemOf(h, "Proxy other/a", model.TargetNotFound); !strings.Contains(got, "is not of namespace other") {
		t.Errorf("told %q", got)
	}
}
