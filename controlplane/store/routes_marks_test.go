package store

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// TestMarksOfRouting says, change by change, which services and Gateways are rebuilt: no
// others than what a change is for.
func TestMarksOfRouting(t *testing.T) {
	var (
		z      = model.ServiceKey("c", "z")
		wp, gw = model.GatewayName{Namespace: "a", Name: "wp"}, model.GatewayName{Namespace: "b", Name: "gw"}
		onX    = httpRoute("a", "r", []gatewayv1.ParentReference{toService("", "x")}, backend("c", "z"), backend("", "m"))
		onGW   = grpcRoute("a", "r", []gatewayv1.ParentReference{toGateway("b", "gw")}, backend("", "w"), backend("c", "z"))
		usesX  = withLabels(service("a", "x"), map[string]string{model.UseWaypoint: "wp"})
		usesA  = withLabels(namespaceOf("a", nil), map[string]string{model.UseWaypointIstio: "wp"})
		ported = func(c Change) Change {
			s := c.Object.(*corev1.Service)
			s.Spec.Ports = []corev1.ServicePort{{Port: 81}}
			return c
		}
		noted, again = service("c", "z"), service("c", "z")
	)
	noted.Object.(*corev1.Service).Annotations = map[string]string{"note": "x"}
	again.Object.(*corev1.Service).UID = "another"
	for _, tc := range []struct {
		name   string
		before []Change // on top of base and a Service z
		change Change
		want   []model.Key
		gates  []model.GatewayName
	}{
		{"a route of a Service", nil, onX, []model.Key{x}, nil},
		{"the same again", []Change{onX}, onX, nil, nil},
		{"it goes", []Change{onX}, gone(onX), []model.Key{x}, nil},
		{"it gets another parent", []Change{onX}, httpRoute("a", "r", []gatewayv1.ParentReference{toService("b", "y")}), []model.Key{x, y}, nil},
		{"a parent that is not there", nil, httpRoute("a", "r", []gatewayv1.ParentReference{toService("c", "no")}), []model.Key{model.ServiceKey("c", "no")}, nil},
		{"a route of a Gateway", nil, onGW, nil, []model.GatewayName{gw}},
		{"its backend goes", []Change{onX, onGW}, gone(service("c", "z")), []model.Key{x, z}, []model.GatewayName{gw}},
		{"its backend changes ports", []Change{onX, onGW}, ported(service("c", "z")), []model.Key{x, z}, []model.GatewayName{gw}},
		{"its backend is annotated", []Change{onX, onGW}, noted, []model.Key{x, z}, []model.GatewayName{gw}},
		{"its backend is labelled", []Change{onX, onGW}, withLabels(service("c", "z"), map[string]string{"a": "b"}), []model.Key{x, z}, []model.GatewayName{gw}},
		{"its backend is the same to a route", []Change{onX, onGW}, again, []model.Key{z}, nil},
		{"its mirror comes", []Change{onX}, service("a", "m"), []model.Key{model.ServiceKey("a", "m"), x}, nil},
		{"a grant of the backend's namespace", []Change{onX, onGW}, grant("c", "g", "a"), []model.Key{x}, []model.GatewayName{gw}},
		{"a grant of another namespace", []Change{onX, onGW}, grant("b", "g", "a"), nil, nil},
		{"the route's Namespace", []Change{onGW}, namespaceOf("a", map[string]string{"k": "v"}), []model.Key{x}, []model.GatewayName{gw}},
		{"a Gateway that nobody uses", nil, gateway("b", "gw", "c", ""), nil, []model.GatewayName{gw}},
		{"a waypoint that a Service names", []Change{usesX}, gateway("a", "wp", "c", ""), []model.Key{x}, []model.GatewayName{wp}},
		{"one that a Namespace names", []Change{usesA}, gateway("a", "wp", "c", ""), []model.Key{x}, []model.GatewayName{wp}},
		{"one that the Service does not", []Change{usesA, withLabels(service("a", "x"), map[string]string{model.UseWaypoint: "none"})}, gateway("a", "wp", "c", ""), nil, []model.GatewayName{wp}},
		{"one that it names no more", []Change{usesX, service("a", "x")}, gateway("a", "wp", "c", ""), nil, []model.GatewayName{wp}},
		{"one that an entry names", []Change{withLabels(entry("a", "e", "", api.Host), map[string]string{model.UseWaypoint: "wp"})}, gateway("a", "wp", "c", ""), []model.Key{api}, []model.GatewayName{wp}},
		{"a class", []Change{usesX, gateway("a", "wp", "c", ""), gateway("b", "gw", "d", "")}, class("c", "k"), []model.Key{x}, []model.GatewayName{wp}},
		{"a class of no Gateway", []Change{usesX}, class("c", "k"), nil, nil},
		{"a grant for a certificate", []Change{gateway("b", "gw", "c", "a")}, grant("a", "g", "b"), nil, []model.GatewayName{gw}},
		{"a Service of a Gateway", nil, withLabels(service("b", "lb"), map[string]string{gatewayv1.GatewayNameLabelKey: "gw"}), []model.Key{model.ServiceKey("b", "lb")}, []model.GatewayName{gw}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := New()
			s.Apply(append(base(), service("c", "z")))
			s.Apply(tc.before)
			s.Take()
			s.Apply([]Change{tc.change})
			slices.SortFunc(tc.want, model.Key.Compare)
			got := s.Take()
			if d := cmp.Diff(tc.want, got.Keys); d != "" {
				t.Errorf("services: %s", d)
			}
			if d := cmp.Diff(tc.gates, got.Gateways); d != "" {
				t.Errorf("Gateways: %s", d)
			}
		})
	}
}

// TestGatewaysOfDirty: they are joined, and count.
func TestGatewaysOfDirty(t *testing.T) {
	a, b := model.GatewayName{Namespace: "a", Name: "g"}, model.GatewayName{Namespace: "b", Name: "g"}
	d := Dirty{Gateways: []model.GatewayName{b}}
	if d.Empty() {
		t.Error("a Gateway is nothing")
	}
	if diff := cmp.Diff([]model.GatewayName{a, b}, d.Join(Dirty{Gateways: []model.GatewayName{a, b}}).Gateways); diff != "" {
		t.Error(diff)
	}
}

// TestGatewayNames are all, whatever their class.
func TestGatewayNames(t *testing.T) {
	s := New()
	s.Apply([]Change{gateway("b", "g", "c", ""), gateway("a", "g", "d", ""), class("c", "k")})
	want := []model.GatewayName{{Namespace: "a", Name: "g"}, {Namespace: "b", Name: "g"}}
	if d := cmp.Diff(want, s.GatewayNames()); d != "" {
		t.Error(d)
	}
}

// TestLoneChangeOfAWaypoint: the services that hang on it may come later.
func TestLoneChangeOfAWaypoint(t *testing.T) {
	s := New()
	s.Apply(append(base(), withLabels(namespaceOf("a", nil), map[string]string{model.UseWaypoint: "wp"})))
	s.Take()
	s.ApplyAPI([]Change{gateway("a", "wp", "c", "")})
	if d := s.Take(); !slices.Equal(d.Bulk, []model.Key{x}) || len(d.Keys) != 0 {
		t.Errorf("%+v", d)
	}
	s.ApplyAPI([]Change{httpRoute("a", "r", []gatewayv1.ParentReference{toService("", "x")})})
	if d := s.Take(); !slices.Equal(d.Keys, []model.Key{x}) {
		t.Errorf("%+v", d)
	}
}

// TestMarksOfTunnels: what a ztunnel shows for a Pod is of its services' endpoints.
func TestMarksOfTunnels(t *testing.T) {
	for name, change := range map[string]func(*corev1.Pod){
		"account":      func(p *corev1.Pod) { p.Spec.ServiceAccountName = "other" },
		"redirection":  func(p *corev1.Pod) { p.Annotations = map[string]string{"ambient.istio.io/redirection": "enabled"} },
		"host network": func(p *corev1.Pod) { p.Spec.HostNetwork = true },
	} {
		t.Run(name, func(t *testing.T) {
			s := New()
			s.Apply(append(base(), entry("a", "e", "", api.Host), entry("a", "s", "1", "sel.example.com")))
			s.Apply([]Change{pod("a", "p1", func(p *corev1.Pod) { p.Labels = map[string]string{"v": "1"} })})
			s.Take()
			s.Apply([]Change{pod("a", "p1", func(p *corev1.Pod) {
				p.Labels = map[string]string{"v": "1"}
				change(p)
			})})
			got := s.Take()
			if want := []model.Key{{Namespace: "a", Host: "sel.example.com"}, x}; !slices.Equal(got.Keys, want) || len(got.Pods) != 0 {
				t.Errorf("%v", got)
			}
		})
	}
}
