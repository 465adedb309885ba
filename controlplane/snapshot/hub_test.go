package snapshot

import (
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

func newHub(t testing.TB, objects ...store.Change) (*Hub, *store.Store) {
	t.Helper()
	st := store.New()
	h := New(st, 0, slog.New(slog.NewTextHandler(io.Discard, nil)))
	st.Apply(objects)
	h.Publish(time.Now())
	return h, st
}

func service(name string) store.Change {
	s := &corev1.Service{}
	s.Namespace, s.Name = "default", name
	s.Spec.Ports = []corev1.ServicePort{{Name: "http", Port: 80}}
	return store.Change{Ref: model.ObjectRef{Kind: "Service", Namespace: "default", Name: name}, Object: s}
}

func endpointSlice(of, name, zone string, addresses ...string) store.Change {
	s := &discoveryv1.EndpointSlice{AddressType: discoveryv1.AddressTypeIPv4}
	s.Namespace, s.Name = "default", name
	s.Labels = map[string]string{discoveryv1.LabelServiceName: of}
	port, portName := int32(8080), "http"
	s.Ports = []discoveryv1.EndpointPort{{Name: &portName, Port: &port}}
	for _, a := range addresses {
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{a}, Zone: &zone})
	}
	return store.Change{Ref: model.ObjectRef{Kind: "EndpointSlice", Namespace: "default", Name: name}, Object: s}
}

func nodeIn(name, region, zone string) store.Change {
	n := &corev1.Node{}
	n.Name = name
	n.Labels = map[string]string{"topology.kubernetes.io/region": region, "topology.kubernetes.io/zone": zone}
	return store.Change{Ref: model.ObjectRef{Kind: "Node", Name: name}, Object: n}
}

func ruleFor(host string, setting *v1alpha1.LocalityLbSetting) store.Change {
	r := &v1alpha1.DestinationRule{}
	r.Namespace, r.Name, r.Spec.Host = "default", host, host
	r.Spec.TrafficPolicy = &v1alpha1.TrafficPolicy{LoadBalancer: &v1alpha1.LoadBalancer{LocalityLbSetting: setting}}
	return store.Change{Ref: model.ObjectRef{Kind: "DestinationRule", Namespace: "default", Name: host}, Object: r}
}

func gone(c store.Change) store.Change { return store.Change{Ref: c.Ref} }

func sidecar(id, zone string) model.Proxy {
	return model.Proxy{
		ID: "default/" + id, Kind: model.Sidecar, Namespace: "default",
		Locality: model.Locality{Region: "eu", Zone: zone}, Bind: "127.0.0.1", HTTPProxyPort: 15080,
	}
}

func join(t testing.TB, h *Hub, p model.Proxy) *Member {
	t.Helper()
	m, err := h.Join(p)
	if err != nil {
		t.Fatal(err)
	}
	m.WatchAll(true)
	take(m)
	return m
}

// take drains the wake and what is pending.
func take(m *Member) Update {
	select {
	case <-m.Wake():
	default:
	}
	return m.Take()
}

func cluster(service string) string {
	return envoy.ClusterName(80, "", service+".default.svc.cluster.local")
}

func version(m *Member, typeURL, name string) string {
	r := m.Take().View.Get(typeURL, name)
	if r == nil {
		return ""
	}
	return r.Version
}

func TestOnlySubscribersOfWhatChangedAreWoken(t *testing.T) {
	h, st := newHub(t, service("one"), service("two"), endpointSlice("one", "one-x", "a", "10.0.0.1"))
	all := join(t, h, sidecar("all", "a"))
	named, err := h.Join(sidecar("named", "a"))
	if err != nil {
		t.Fatal(err)
	}
	named.Watch([]string{cluster("two")})
	take(named)

	st.Apply([]store.Change{endpointSlice("one", "one-x", "a", "10.0.0.1", "10.0.0.2")})
	h.Publish(time.Now())
	if u := take(all); !slices.Equal(u.Names, []string{cluster("one")}) || u.All || u.Scope {
		t.Errorf("the wildcard stream was told %+v, want the one cluster that changed", u)
	}
	if u := take(named); len(u.Names) != 0 || u.All || u.Scope {
		t.Errorf("a stream that subscribes to another cluster was told %+v", u)
	}
	st.Apply([]store.Change{endpointSlice("two", "two-x", "a", "10.0.0.9")})
	h.Publish(time.Now())
	if u := take(named); !slices.Equal(u.Names, []string{cluster("two")}) {
		t.Errorf("the stream that subscribes to it was told %+v", u)
	}
}

func TestAnEqualResultWakesNobody(t *testing.T) {
	h, st := newHub(t, service("one"), endpointSlice("one", "one-x", "a", "10.0.0.1"))
	m := join(t, h, sidecar("c", "a"))
	m.Take().View.Get(envoy.EndpointType, cluster("one"))
	s := endpointSlice("one", "one-x", "a", "10.0.0.1")
	s.Object.(*discoveryv1.EndpointSlice).Annotations = map[string]string{"touched": "yes"}
	st.Apply([]store.Change{s})
	h.Publish(time.Now())
	select {
	case <-m.Wake():
		t.Errorf("woken for nothing: %+v", m.Take())
	default:
	}
}

func TestScopeChangesReachItsStreams(t *testing.T) {
	h, st := newHub(t, service("one"))
	m := join(t, h, sidecar("c", "a"))
	before := version(m, envoy.RouteType, envoy.RouteName)
	st.Apply([]store.Change{service("two")})
	h.Publish(time.Now())
	u := take(m)
	if !u.Scope || !slices.Contains(u.View.Names(envoy.ClusterType), cluster("two")) {
		t.Errorf("a new service: update %+v, clusters %v", u, u.View.Names(envoy.ClusterType))
	}
	if after := version(m, envoy.RouteType, envoy.RouteName); after == before || after == "" {
		t.Errorf("routes did not change: %q", after)
	}
	st.Apply([]store.Change{gone(service("two"))})
	h.Publish(time.Now())
	if u := take(m); !u.Scope || u.View.Get(envoy.ClusterType, cluster("two")) != nil {
		t.Error("a service that went is still there")
	}
}

func TestAFailedBuildKeepsTheLastFormMinusWhatANewFenceForbids(t *testing.T) {
	slice := endpointSlice("one", "one-x", "a", "10.0.0.1")
	far := endpointSlice("one", "one-y", "b", "10.0.0.2")
	h, st := newHub(t, nodeIn("n1", "eu", "a"), nodeIn("n2", "us", "b"), service("one"), service("two"), slice, far)
	m := join(t, h, sidecar("c", "a"))
	before := version(m, envoy.EndpointType, cluster("one"))
	h.build = func(s *model.Service, v model.Variant) (translate.Built, error) {
		if len(s.Ports[0].Endpoints) == 3 {
			return translate.Built{}, errors.New("fail point")
		}
		if len(s.Ports[0].Endpoints) == 4 {
			panic("fail point")
		}
		return translate.Build(s, v)
	}
	for _, addresses := range [][]string{{"10.0.0.1", "10.0.0.3"}, {"10.0.0.1", "10.0.0.3", "10.0.0.4"}} {
		st.Apply([]store.Change{endpointSlice("one", "one-x", "a", addresses...)})
		h.Publish(time.Now())
		if after := version(m, envoy.EndpointType, cluster("one")); after != before {
			t.Errorf("the last form did not stay: %s, was %s", after, before)
		}
	}
	if !slices.ContainsFunc(h.Problems(), func(p model.Problem) bool {
		return p.Reason == model.BuildFailed && p.Object.Name == "one"
	}) {
		t.Errorf("no BuildFailed in %+v", h.Problems())
	}
	st.Apply([]store.Change{ruleFor("one", &v1alpha1.LocalityLbSetting{AllowedRegions: []string{"eu"}})})
	h.Publish(time.Now())
	policies := h.Snapshot().Entries[model.ServiceKey("default", "one")].Policies
	if len(policies) != 1 || policies[0].Allowed.Has("us") || !policies[0].Allowed.Has("eu") {
		t.Errorf("the fence does not hold for the form that stayed: %+v", policies)
	}
	if version(m, envoy.EndpointType, cluster("one")) == before {
		t.Error("the forbidden endpoint is still sent")
	}
	if version(m, envoy.EndpointType, cluster("two")) == "" {
		t.Error("another service was hurt")
	}
	st.Apply([]store.Change{slice})
	h.Publish(time.Now())
	for _, p := range h.Problems() {
		if p.Reason == model.BuildFailed {
			t.Errorf("mended, and still %+v", p)
		}
	}
}

func TestAnEndpointThatMovesBetweenSlicesLeavesNoGap(t *testing.T) {
	h, st := newHub(t, service("one"), endpointSlice("one", "one-x", "a", "10.0.0.1"))
	m := join(t, h, sidecar("c", "a"))
	before := version(m, envoy.EndpointType, cluster("one"))
	start := time.Now()
	st.Apply([]store.Change{gone(endpointSlice("one", "one-x", "a"))})
	h.Publish(start)
	if version(m, envoy.EndpointType, cluster("one")) != before {
		t.Fatal("an empty answer between the two halves of a move")
	}
	st.Apply([]store.Change{endpointSlice("one", "one-y", "a", "10.0.0.1")})
	h.Publish(start.Add(settle / 2))
	if version(m, envoy.EndpointType, cluster("one")) != before || h.anyWaiting() {
		t.Error("the move is not over")
	}
	st.Apply([]store.Change{gone(endpointSlice("one", "one-y", "a"))})
	h.Publish(start)
	h.Publish(start.Add(settle))
	if version(m, envoy.EndpointType, cluster("one")) == before {
		t.Error("an empty truth is held back for ever")
	}
}

func TestAProxyFollowsItsNode(t *testing.T) {
	h, st := newHub(t, nodeIn("n1", "eu", "a"), service("one"),
		endpointSlice("one", "one-x", "a", "10.0.0.1"), endpointSlice("one", "one-y", "b", "10.0.0.2"),
		ruleFor("one", &v1alpha1.LocalityLbSetting{}))
	p := sidecar("c", "a")
	p.Node = "n1"
	m := join(t, h, p)
	before := version(m, envoy.EndpointType, cluster("one"))
	st.Apply([]store.Change{nodeIn("n1", "eu", "b")})
	h.Publish(time.Now())
	if u := take(m); !u.All {
		t.Errorf("its Node moved, and it was told %+v", u)
	}
	if m.Proxy().Locality.Zone != "b" || version(m, envoy.EndpointType, cluster("one")) == before {
		t.Errorf("it is still in %v", m.Proxy().Locality)
	}
}

func TestVariantsGoWithTheirLastProxy(t *testing.T) {
	h, _ := newHub(t, service("one"), endpointSlice("one", "one-x", "a", "10.0.0.1"),
		nodeIn("n1", "eu", "a"), ruleFor("one", &v1alpha1.LocalityLbSetting{}))
	entry := h.Snapshot().Entries[model.ServiceKey("default", "one")]
	a, b, invented := join(t, h, sidecar("1", "a")), join(t, h, sidecar("2", "made-up-1")), join(t, h, sidecar("3", "made-up-2"))
	for _, m := range []*Member{a, b, invented} {
		version(m, envoy.EndpointType, cluster("one"))
	}
	if len(entry.memo) != 2 {
		t.Errorf("%d variants: two invented zones are one", len(entry.memo))
	}
	b.Leave()
	invented.Leave()
	h.sweep()
	if len(entry.memo) != 1 {
		t.Errorf("%d variants, want that of the one proxy that is left", len(entry.memo))
	}
	a.Leave()
	h.sweep()
	if len(entry.memo) != 0 || len(h.classes) != 0 || len(h.scopes) != 0 || len(h.Snapshot().Scopes) != 0 {
		t.Errorf("left behind: %d variants, %d classes, %d scopes", len(entry.memo), len(h.classes), len(h.scopes))
	}
}

func TestARefusalStandsOnTheRuleUntilTheResourceChanges(t *testing.T) {
	h, st := newHub(t, service("one"), endpointSlice("one", "one-x", "a", "10.0.0.1"), ruleFor("one", &v1alpha1.LocalityLbSetting{}))
	m := join(t, h, sidecar("c", "a"))
	version(m, envoy.EndpointType, cluster("one"))
	h.Refuse(Refusal{ProxyID: "default/c", TypeURL: envoy.EndpointType, Name: cluster("one"), Message: "malformed IP"})
	rejected := func() bool {
		return slices.ContainsFunc(h.Problems(), func(p model.Problem) bool {
			return p.Reason == model.ProxyRejected && p.Object.Kind == "DestinationRule" && p.Object.Name == "one"
		})
	}
	if !rejected() {
		t.Errorf("not on the rule: %+v", h.Problems())
	}
	st.Apply([]store.Change{endpointSlice("one", "one-x", "a", "10.0.0.2")})
	h.Publish(time.Now())
	if rejected() {
		t.Error("it changed, and the refusal stays")
	}
	h.Refuse(Refusal{ProxyID: "default/c", TypeURL: envoy.ListenerType, Name: "http-proxy", Message: "cannot bind\n"})
	refused := func() []model.Problem {
		return slices.DeleteFunc(h.Problems(), func(p model.Problem) bool { return p.Reason != model.ProxyRejected })
	}
	if ps := refused(); len(ps) != 1 || ps[0].Object.String() != "Proxy default/c" || strings.HasSuffix(ps[0].Message, "\n") {
		t.Errorf("a listener hangs on the proxy's own claims: %+v", ps)
	}
	m.Leave()
	if ps := refused(); len(ps) != 0 {
		t.Errorf("the proxy left, and %+v", ps)
	}
}

func TestClaimsThatDifferAreCounted(t *testing.T) {
	h, _ := newHub(t, nodeIn("n1", "eu", "a"), service("one"))
	p := sidecar("honest", "a")
	p.Node = "n1"
	join(t, h, p)
	if n := counted(t, h, "coastwise_claims_differ_total") + counted(t, h, "coastwise_proxy_locality_unknown_total"); n != 0 {
		t.Errorf("%v counted for claims that are true", n)
	}
	p = sidecar("wrong zone", "b")
	p.Node = "n1"
	if m := join(t, h, p); m.Proxy().Locality.Zone != "a" {
		t.Errorf("the claim beat the Node: %v", m.Proxy().Locality)
	}
	if n := counted(t, h, "coastwise_claims_differ_total"); n != 1 {
		t.Errorf("%v claims that differ, want 1", n)
	}
	join(t, h, sidecar("nowhere", "no-such-zone"))
	if n := counted(t, h, "coastwise_proxy_locality_unknown_total"); n != 1 {
		t.Errorf("%v unknown places, want 1", n)
	}
}

// counted sums a metric of the hub.
func counted(t *testing.T, h *Hub, name string) (sum float64) {
	t.Helper()
	reg := prometheus.NewRegistry()
	reg.MustRegister(h.Collectors()...)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			sum += m.GetCounter().GetValue()
		}
	}
	return sum
}
