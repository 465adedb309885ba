package ingest_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

func waypoint(edit func(*gatewayv1.Gateway)) *gatewayv1.Gateway {
	g := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: "infra", Name: "wp"}}
	g.Spec.GatewayClassName = model.WaypointClass
	all := gatewayv1.NamespacesFromAll
	g.Spec.Listeners = []gatewayv1.Listener{{
		Name: "mesh", Protocol: model.ProtocolPROXY, Port: model.PortPROXY,
		AllowedRoutes: &gatewayv1.AllowedRoutes{Namespaces: &gatewayv1.RouteNamespaces{From: &all}},
	}}
	if edit != nil {
		edit(g)
	}
	return g
}

// Which waypoint a service has, and what is told where it has none though it should.
func TestAttachment(t *testing.T) {
	labels := map[string]string{model.UseWaypoint: "wp", model.UseWaypointNamespace: "infra"}
	foreign := &gatewayv1.GatewayClass{Spec: gatewayv1.GatewayClassSpec{ControllerName: "example.com/other"}}
	same := gatewayv1.NamespacesFromSame
	for _, c := range []struct {
		name    string
		gateway *gatewayv1.Gateway
		class   *gatewayv1.GatewayClass
		reason  model.Reason
		says    string
	}{
		{"attached", waypoint(nil), nil, "", ""},
		{"for all", waypoint(func(g *gatewayv1.Gateway) { g.Labels = map[string]string{"istio.io/waypoint-for": "all"} }), nil, "", ""},
		{"names nothing", nil, nil, model.TargetNotFound, "there is no Gateway infra/wp"},
		{"another class", waypoint(func(g *gatewayv1.Gateway) { g.Spec.GatewayClassName = "istio-waypoint" }), nil, model.Invalid, "class istio-waypoint"},
		{"the class is somebody else's", waypoint(nil), foreign, model.Invalid, "class"},
		{"for workloads only", waypoint(func(g *gatewayv1.Gateway) {
			g.Labels = map[string]string{"networking.coastwise.dev/waypoint-for": "workload"}
		}), nil, model.NotAllowedByListeners, "not for services"},
		{"wrong port", waypoint(func(g *gatewayv1.Gateway) { g.Spec.Listeners[0].Port = 80 }), nil, model.Invalid, "that of protocol PROXY is 15088"},
		{"wrong protocol", waypoint(func(g *gatewayv1.Gateway) { g.Spec.Listeners[0].Protocol = "HTTP" }), nil, model.Invalid, "PROXY (port 15088) or HBONE (port 15008)"},
		{"two listeners", waypoint(func(g *gatewayv1.Gateway) { g.Spec.Listeners = append(g.Spec.Listeners, g.Spec.Listeners[0]) }), nil, model.Invalid, "one listener, and not 2"},
		{"its own namespace only", waypoint(func(g *gatewayv1.Gateway) { g.Spec.Listeners[0].AllowedRoutes.Namespaces.From = &same }), nil, model.NotAllowedByListeners, "namespace shop"},
	} {
		for on, o := range map[string]ingest.Objects{
			"Service shop/reviews": {Service: &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "reviews", Labels: labels}}},
			"Namespace shop": {
				Service:   &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "reviews"}},
				Namespace: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: labels}},
			},
		} {
			t.Run(c.name+" by "+on, func(t *testing.T) {
				if c.gateway != nil {
					o.Gateways = map[model.GatewayName]*gatewayv1.Gateway{{Namespace: "infra", Name: "wp"}: c.gateway}
				}
				if c.class != nil {
					o.Classes = map[string]*gatewayv1.GatewayClass{model.WaypointClass: c.class}
				}
				s, problems := ingest.Service(o)
				if attached := s.Waypoint != (model.GatewayName{}); attached != (c.reason == "") {
					t.Errorf("attached to %q", s.Waypoint)
				}
				found := false
				for _, p := range problems {
					if p.Reason == c.reason {
						found = found || p.Object.String() == on && strings.Contains(p.Message, c.says) && p.Field == "metadata.labels["+model.UseWaypoint+"]"
					}
				}
				if found != (c.reason != "") {
					t.Errorf("problems %+v", problems)
				}
			})
		}
	}
}

func TestNoWaypointBeatsTheNamespace(t *testing.T) {
	s, problems := ingest.Service(ingest.Objects{
		Service: &corev1.Service{ObjectMeta: metav1.ObjectMeta{
			Namespace: "infra", Name: "reviews", Labels: map[string]string{model.UseWaypointIstio: model.NoWaypoint},
		}},
		Namespace: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "infra", Labels: map[string]string{model.UseWaypoint: "wp"}}},
		Gateways:  map[model.GatewayName]*gatewayv1.Gateway{{Namespace: "infra", Name: "wp"}: waypoint(nil)},
	})
	if s.Waypoint != (model.GatewayName{}) || len(problems) > 0 {
		t.Errorf("attached to %q, %v", s.Waypoint, problems)
	}
}

// What a Gateway is, by its class and its one listener.
func TestGatewayOfWaypointClass(t *testing.T) {
	o := ingest.GatewayObjects{
		Name: model.GatewayName{Namespace: "infra", Name: "wp"}, Gateway: waypoint(nil),
		Services: []*corev1.Service{{Spec: corev1.ServiceSpec{ClusterIPs: []string{"10.96.0.9", "fd00::9"}}}},
	}
	g, problems := ingest.Gateway(o)
	if len(problems) > 0 || g.Kind != model.Waypoint || g.Waypoint.Form != model.Plain || g.Waypoint.Port != 15088 ||
		strings.Join(g.Addresses, " ") != "10.96.0.9 fd00::9" {
		t.Errorf("%+v %v", g, problems)
	}
	o.Gateway = waypoint(func(g *gatewayv1.Gateway) {
		g.Spec.Listeners[0].Protocol, g.Spec.Listeners[0].Port = model.ProtocolHBONE, model.PortHBONE
	})
	if g, _ := ingest.Gateway(o); g.Waypoint.Form != model.HBONE || g.Waypoint.Port != 15008 {
		t.Errorf("%+v", g.Waypoint)
	}
	o.Gateway = waypoint(func(g *gatewayv1.Gateway) { g.Spec.Listeners[0].Port = 15008 })
	if g, problems := ingest.Gateway(o); g.Waypoint.Port != 0 || len(problems) != 1 || problems[0].Field != "spec.listeners[0].port" {
		t.Errorf("%+v %v", g.Waypoint, problems)
	}
	o.Class = &gatewayv1.GatewayClass{Spec: gatewayv1.GatewayClassSpec{ControllerName: "example.com/other"}}
	if g, problems := ingest.Gateway(o); g != nil || problems != nil {
		t.Errorf("somebody else's: %+v %v", g, problems)
	}
}

// What a waypoint's Gateway asks for and does not get is told, and it goes on.
func TestWaypointNotHonoured(t *testing.T) {
	host, kind := gatewayv1.Hostname("a.example"), gatewayv1.IPAddressType
	g, problems := ingest.Gateway(ingest.GatewayObjects{Name: model.GatewayName{Namespace: "infra", Name: "wp"}, Gateway: waypoint(func(g *gatewayv1.Gateway) {
		g.Spec.Addresses = []gatewayv1.GatewaySpecAddress{{Type: &kind, Value: "10.0.0.9"}}
		g.Spec.Infrastructure = &gatewayv1.GatewayInfrastructure{
			Labels:        map[gatewayv1.LabelKey]gatewayv1.LabelValue{"a": "b"},
			ParametersRef: &gatewayv1.LocalParametersReference{Group: "example.net", Kind: "Tuning", Name: "x"},
		}
		g.Spec.TLS = &gatewayv1.GatewayTLSConfig{Frontend: &gatewayv1.FrontendTLSConfig{}}
		g.Spec.Listeners[0].Hostname, g.Spec.Listeners[0].TLS = &host, &gatewayv1.ListenerTLSConfig{}
	})})
	var got []string
	for _, p := range problems {
		got = append(got, strings.Join([]string{p.Object.String(), p.Field, string(p.Severity), string(p.Reason)}, " "))
	}
	want := []string{
		"Gateway infra/wp spec.addresses[0] warning UnsupportedAddress",
		"Gateway infra/wp spec.infrastructure warning NotHonoured",
		"Gateway infra/wp spec.infrastructure.parametersRef warning InvalidParameters",
		"Gateway infra/wp spec.listeners[0].hostname warning NotHonoured",
		"Gateway infra/wp spec.listeners[0].tls warning NotHonoured",
		"Gateway infra/wp spec.tls.frontend warning NotHonoured",
	}
	if !slices.Equal(got, want) || g.Waypoint.Port != model.PortPROXY {
		t.Errorf("port %d, told\n%s\nwant\n%s", g.Waypoint.Port, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// What a waypoint's Gateway cannot have is told, and nothing else is the matter with it.
func TestWhatAWaypointIsToldOf(t *testing.T) {
	route := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "infra", Name: "r"}}
	route.Spec.ParentRefs = []gatewayv1.ParentReference{{Name: "another"}, {Name: "wp"}}
	o := ingest.GatewayObjects{Name: model.GatewayName{Namespace: "infra", Name: "wp"}, Gateway: waypoint(func(g *gatewayv1.Gateway) {
		g.Labels = map[string]string{"istio.io/waypoint-for": "services"}
	}), Routing: ingest.Routing{HTTP: []*gatewayv1.HTTPRoute{route}}}
	g, problems := ingest.Gateway(o)
	var got []string
	for _, p := range problems {
		got = append(got, strings.Join([]string{string(p.Severity), string(p.Reason), p.Object.String(), p.Field}, " "))
	}
	want := []string{
		"warning UnsupportedValue Gateway infra/wp metadata.labels[istio.io/waypoint-for]",
		"warning NotAllowedByListeners HTTPRoute infra/r spec.parentRefs[1]",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") || g.Waypoint.Port != model.PortPROXY {
		t.Errorf("%+v\n%s", g, strings.Join(got, "\n"))
	}
}
