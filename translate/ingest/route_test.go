package ingest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"github.com/coastwise/coastwise/translate/model"
)

// front is a Service with ports of every sort, in namespace a.
func front() *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "front"},
		Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{
			{Name: "http", Port: 80},
			{Name: "any", Port: 81},
			{Name: "tcp-db", Port: 82},
			{Name: "grpc", Port: 83},
			{Name: "dns", Port: 53, Protocol: corev1.ProtocolUDP},
		}},
	}
}

// httpRoute reads the spec of one in namespace a, whose parent is front unless it says
// another.
func httpRoute(t *testing.T, name, spec string) *gatewayv1.HTTPRoute {
	t.Helper()
	out := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: name}}
	read(t, spec, &out.Spec)
	if out.Spec.ParentRefs == nil {
		out.Spec.ParentRefs = parents(t)
	}
	return out
}

func grpcRoute(t *testing.T, name, spec string) *gatewayv1.GRPCRoute {
	t.Helper()
	out := &gatewayv1.GRPCRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: name}}
	read(t, spec, &out.Spec)
	out.Spec.ParentRefs = parents(t)
	return out
}

func parents(t *testing.T) (out []gatewayv1.ParentReference) {
	read(t, `[{group: "", kind: Service, name: front}]`, &out)
	return out
}

func read(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}

// routed ingests front with routes; all of v1, v2 in a and there in b exist.
func routed(t *testing.T, routes ...any) (*model.Service, []model.Problem) {
	t.Helper()
	r := Routing{Backends: map[model.Key]*corev1.Service{}}
	for _, at := range [][2]string{{"a", "v1"}, {"a", "v2"}, {"a", "front"}, {"b", "there"}} {
		svc := front()
		svc.Namespace, svc.Name = at[0], at[1]
		r.Backends[model.ServiceKey(at[0], at[1])] = svc
	}
	for _, o := range routes {
		switch o := o.(type) {
		case *gatewayv1.HTTPRoute:
			r.HTTP = append(r.HTTP, o)
		case *gatewayv1.GRPCRoute:
			r.GRPC = append(r.GRPC, o)
		case *gatewayv1.ReferenceGrant:
			r.Grants = append(r.Grants, o)
		}
	}
	return Service(Objects{Service: front(), Routing: r})
}

// inShort are problems, by object, field, severity and reason.
func inShort(ps []model.Problem) []string {
	var out []string
	for _, p := range ps {
		out = append(out, fmt.Sprintf("%s %s %s %s", p.Object.Name, p.Field, p.Severity, p.Reason))
	}
	return out
}

func expectTold(t *testing.T, ps []model.Problem, want ...string) {
	t.Helper()
	if got := inShort(ps); !slices.Equal(got, want) {
		t.Errorf("told\n%s\nwant\n%s\n%v", strings.Join(got, "\n"), strings.Join(want, "\n"), ps)
	}
}

// routesAt are the routes of a port, in short.
func routesAt(s *model.Service, port uint32) []string {
	p, _ := s.Port(port)
	var out []string
	for _, r := range p.Routes {
		text := fmt.Sprintf("%s/%d %d:%s", r.Object.Name, r.Rule, r.Match.Path.Kind, r.Match.Path.Value)
		if r.Match.Method != "" {
			text += " " + r.Match.Method
		}
		for _, h := range r.Match.Headers {
			text += " " + h.Name + "=" + h.Value
		}
		for _, q := range r.Match.Query {
			text += " ?" + q.Name + "=" + q.Value
		}
		out = append(out, text)
	}
	return out
}

// A route is on the ports that its parentRef means and that carry requests.
func TestRouteParents(t *testing.T) {
	const backend = `, rules: [{backendRefs: [{name: v1, port: 80}]}]}`
	for _, tt := range []struct {
		parents string
		ports   []uint32
		told    []string
	}{
		{`[{group: "", kind: Service, name: front}]`, []uint32{80, 81, 83}, nil},
		{`[{group: "", kind: Service, name: front, port: 80}]`, []uint32{80}, nil},
		{`[{group: "", kind: Service, name: front, sectionName: any}]`, []uint32{81}, nil},
		{`[{group: "", kind: Service, name: front, port: 80}, {group: "", kind: Service, name: front, port: 81}]`, []uint32{80, 81}, nil},
		{`[{group: "", kind: Service, name: front, port: 82}]`, nil, []string{"r spec.parentRefs[0] warning NoMatchingParent"}},
		{`[{group: "", kind: Service, name: front, port: 53}]`, nil, []string{"r spec.parentRefs[0] warning NoMatchingParent"}},
		{`[{group: "", kind: Service, name: front, port: 80, sectionName: any}]`, nil, []string{"r spec.parentRefs[0] warning NoMatchingParent"}},
		{`[{name: front}]`, nil, nil},
		{`[{group: "", kind: Service, name: other}]`, nil, nil},
	} {
		s, problems := routed(t, httpRoute(t, "r", "{parentRefs: "+tt.parents+backend))
		var ports []uint32
		for _, p := range s.Ports {
			if len(p.Routes) > 0 {
				ports = append(ports, p.Number)
			}
		}
		if !slices.Equal(ports, tt.ports) {
			t.Errorf("%s: on %v, want %v", tt.parents, ports, tt.ports)
		}
		expectTold(t, problems, tt.told...)
	}
}

// A port that declares nothing carries requests once a route says so.
func TestRouteMakesAPortHTTP(t *testing.T) {
	route := httpRoute(t, "r", `{rules: [{backendRefs: [{name: v1, port: 80}]}]}`)
	with, _ := routed(t, route)
	without, _ := routed(t)
	for _, c := range []struct {
		s    *model.Service
		port uint32
		want bool
	}{{with, 81, true}, {without, 81, false}, {with, 82, false}, {without, 80, true}} {
		if p, _ := c.s.Port(c.port); p.HTTP() != c.want {
			t.Errorf("port %d with %d routes: %v", c.port, len(p.Routes), p.HTTP())
		}
	}
}

// Routes of other namespances than the Service's, and of Services that are not there,
// are told on the routes.
func TestRouteOfAStranger(t *testing.T) {
	route := httpRoute(t, "r", `{parentRefs: [{group: "", kind: Service, namespace: a, name: front}], rules: [{}]}`)
	route.Namespace = "b"
	s, problems := routed(t, route)
	if len(routesAt(s, 80)) != 0 {
		t.Errorf("%v", routesAt(s, 80))
	}
	expectTold(t, problems, "r spec.parentRefs[0] warning NotAllowedByListeners")
	none, problems := Service(Objects{Key: model.ServiceKey("a", "front"), Routing: Routing{HTTP: []*gatewayv1.HTTPRoute{httpRoute(t, "r", `{}`)}}})
	if none != nil {
		t.Errorf("%v", none)
	}
	expectTold(t, problems, "r spec.parentRefs[0] warning NoMatchingParent")
}

func TestRouteHostnames(t *testing.T) {
	_, problems := routed(t, httpRoute(t, "r", `{hostnames: [x.example], rules: [{backendRefs: [{name: v1, port: 80}]}]}`))
	expectTold(t, problems, "r spec.hostnames info NoEffect")
}

// The order is the API's, whatever order the objects come in.
func TestRoutePrecedence(t *testing.T) {
	one := httpRoute(t, "one", `{rules: [
		{matches: [{}, {path: {value: /a}}, {path: {value: /abc/}}, {path: {type: Exact, value: /a}}]},
		{matches: [{path: {value: /a}, method: GET}, {path: {type: RegularExpression, value: /a.*}}, {path: {value: /a}, headers: [{name: X, value: "1"}, {name: w, value: "2"}]}]},
		{matches: [{path: {value: /a}, headers: [{name: x, value: "1"}]}, {path: {value: /a}, headers: [{name: x, value: "1"}], queryParams: [{name: q, value: z}]}]}]}`)
	two := httpRoute(t, "two", `{rules: [{matches: [{path: {value: /a}}]}, {matches: [{path: {value: /a}}]}]}`)
	alone := httpRoute(t, "alone", `{rules: [{matches: [{path: {value: /a}}]}]}`)
	one.CreationTimestamp, two.CreationTimestamp, alone.CreationTimestamp = at(2), at(1), at(2)
	g := grpcRoute(t, "g", `{rules: [{}, {matches: [{method: {method: M}}, {method: {service: p.S}}, {method: {service: p.S, method: M}, headers: [{name: z, value: "1"}]}, {method: {service: p.S, method: M}}]},
		{matches: [{method: {type: RegularExpression, service: "p[.].*"}}]}]}`)
	want := []string{
		"g/2 2:/(?:p[.].*)/[^/]+", "g/1 1:/p.S/M z=1", "g/1 1:/p.S/M", "g/1 0:/p.S", "g/1 2:/[^/]+/M", "g/0 0:/",
		"one/0 1:/a", "one/1 2:/a.*", "one/0 0:/abc", "one/1 0:/a GET", "one/1 0:/a x=1 w=2",
		"one/2 0:/a x=1 ?q=z", "one/2 0:/a x=1", "two/0 0:/a", "two/1 0:/a", "alone/0 0:/a", "one/0 0:/a", "one/0 0:/",
	}
	for _, order := range [][]any{{one, two, alone, g}, {g, alone, two, one}} {
		s, _ := routed(t, order...)
		if got := routesAt(s, 80); !slices.Equal(got, want) {
			t.Errorf("\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func at(seconds int64) metav1.Time { return metav1.NewTime(time.Unix(seconds, 0)) }
