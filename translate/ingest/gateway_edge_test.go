package ingest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// edgeWorld is Gateway shop/edge with these listeners, a YAML list, and routes.
func edgeWorld(t *testing.T, listeners string, routes ...*gatewayv1.HTTPRoute) ingest.GatewayObjects {
	t.Helper()
	g := &gatewayv1.Gateway{}
	g.Namespace, g.Name = "shop", "edge"
	g.Spec.GatewayClassName = model.EdgeClass
	read(t, listeners, &g.Spec.Listeners)
	return ingest.GatewayObjects{
		Name: model.GatewayName{Namespace: "shop", Name: "edge"}, Gateway: g,
		Routing: ingest.Routing{
			HTTP: routes, Namespaces: map[string]*corev1.Namespace{"web": namespaced("web", "edge", "yes"), "shop": namespaced("shop", "edge", "no")},
			Backends: map[model.Key]*corev1.Service{},
		},
		Credentials: ingest.Credentials{Folders: []string{"/certs", "/more"}, In: map[string]string{"shop.a": "/certs", "shop.b": "/more", "web.a": "/certs"}},
	}
}

func read(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
}

func namespaced(name, key, value string) *corev1.Namespace {
	ns := &corev1.Namespace{}
	ns.Name, ns.Labels = name, map[string]string{key: value}
	return ns
}

// httpRoute is one in a namespace whose spec is YAML; parent edge of shop is added where
// the spec has none. Its rule has no backends unless it says so.
func httpRoute(t *testing.T, name, spec string) *gatewayv1.HTTPRoute {
	t.Helper()
	r := &gatewayv1.HTTPRoute{}
	r.Namespace, r.Name, _ = strings.Cut(name, "/")
	if !strings.Contains(spec, "parentRefs") {
		spec = strings.TrimPrefix(spec, "{}") + "\nparentRefs: [{name: edge, namespace: shop}]"
	}
	read(t, spec, &r.Spec)
	if r.Spec.Rules == nil {
		r.Spec.Rules = []gatewayv1.HTTPRouteRule{{}}
	}
	return r
}

// edgeOf is what comes of a world, a line for each virtual host of each listener, and a
// line for each problem.
func edgeOf(o ingest.GatewayObjects) (hosts, problems []string) {
	g, ps := ingest.Gateway(o)
	for _, l := range g.Listeners {
		for _, h := range l.Hosts {
			var routes []string
			for _, r := range h.Routes {
				routes = append(routes, r.Object.Name)
			}
			hosts = append(hosts, strings.TrimSpace(fmt.Sprintf("%d %s %s: %s", l.Port, l.Name, h.Domain, strings.Join(routes, " "))))
		}
	}
	for _, p := range ps {
		problems = append(problems, fmt.Sprintf("%s %s %s", p.Object.Name, p.Field, p.Reason))
	}
	return hosts, problems
}

// Which listener has which host, and which routes it has (GatewaySpec.listeners,
// HTTPRouteSpec.hostnames).
func TestEdgeHosts(t *testing.T) {
	const all = "{name: h, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}"
	for name, tt := range map[string]struct {
		listeners string
		routes    map[string]string
		want      []string
		problems  []string
	}{
		"a route without host names":   {listeners: "[" + all + "]", routes: map[string]string{"shop/r": "{}"}, want: []string{"80 h *: r"}},
		"a listener without routes":    {listeners: "[" + all + "]", want: []string{"80 h *:"}},
		"the route's host names":       {listeners: "[" + all + "]", routes: map[string]string{"shop/r": `hostnames: [b.example, A.example, "*.c.example"]`}, want: []string{"80 h a.example: r", "80 h b.example: r", "80 h *.c.example: r", "80 h *:"}},
		"the listener's host name":     {listeners: "[{name: h, port: 80, protocol: HTTP, hostname: a.example}]", routes: map[string]string{"shop/r": "{}"}, want: []string{"80 h a.example: r"}},
		"the closer of both":           {listeners: `[{name: h, port: 80, protocol: HTTP, hostname: "*.example"}]`, routes: map[string]string{"shop/r": `hostnames: [a.example, "*.b.example", other, example]`}, want: []string{"80 h a.example: r", "80 h *.b.example: r", "80 h *.example:"}},
		"the route's is wider":         {listeners: "[{name: h, port: 80, protocol: HTTP, hostname: x.a.example}]", routes: map[string]string{"shop/r": `hostnames: ["*.example"]`}, want: []string{"80 h x.a.example: r"}},
		"nothing in common":            {listeners: "[{name: h, port: 80, protocol: HTTP, hostname: a.example}]", routes: map[string]string{"shop/r": "hostnames: [b.example]"}, want: []string{"80 h a.example:"}, problems: []string{"r spec.parentRefs[0] NoMatchingListenerHostname"}},
		"a closer listener's requests": {listeners: `[{name: h, port: 80, protocol: HTTP}, {name: a, port: 80, protocol: HTTP, hostname: a.example}]`, routes: map[string]string{"shop/r": "hostnames: [a.example, b.example]\nparentRefs: [{name: edge, sectionName: h}]"}, want: []string{"80 a a.example:", "80 h b.example: r", "80 h *:"}},
		"another port is another":      {listeners: `[{name: h, port: 80, protocol: HTTP}, {name: a, port: 81, protocol: HTTP, hostname: a.example}]`, routes: map[string]string{"shop/r": "hostnames: [a.example]\nparentRefs: [{name: edge, sectionName: h}]"}, want: []string{"80 h a.example: r", "80 h *:", "81 a a.example:"}},
		"the closer own host first":    {listeners: "[{name: h, port: 80, protocol: HTTP, hostname: x.a.example}]", routes: map[string]string{"shop/wide": `hostnames: ["*.example"]`, "shop/exact": "hostnames: [x.a.example]", "shop/wild": `hostnames: ["*.a.example"]`, "shop/none": "{}"}, want: []string{"80 h x.a.example: exact wild wide none"}},
		"by precedence on one host":    {listeners: "[" + all + "]", routes: map[string]string{"shop/a": "{}", "shop/b": "rules: [{matches: [{path: {type: Exact, value: /x}}]}]"}, want: []string{"80 h *: b a"}},
		"twice as a parent, once":      {listeners: "[" + all + "]", routes: map[string]string{"shop/r": "parentRefs: [{name: edge}, {name: edge, sectionName: h}]"}, want: []string{"80 h *: r"}},
		"a parent of another kind":     {listeners: "[" + all + "]", routes: map[string]string{"shop/r": "parentRefs: [{name: edge, kind: Service, group: ''}, {name: other}]"}, want: []string{"80 h *:"}},
		"no such section":              {listeners: "[" + all + "]", routes: map[string]string{"shop/r": "parentRefs: [{name: edge, sectionName: x}]"}, want: []string{"80 h *:"}, problems: []string{"r spec.parentRefs[0] NoMatchingParent"}},
		"no such port":                 {listeners: "[" + all + "]", routes: map[string]string{"shop/r": "parentRefs: [{name: edge, port: 81}]"}, want: []string{"80 h *:"}, problems: []string{"r spec.parentRefs[0] NoMatchingParent"}},
		"by port":                      {listeners: "[" + all + ", {name: i, port: 81, protocol: HTTP}]", routes: map[string]string{"shop/r": "parentRefs: [{name: edge, port: 81}]"}, want: []string{"80 h *:", "81 i *: r"}},
		"another namespace":            {listeners: "[{name: h, port: 80, protocol: HTTP}]", routes: map[string]string{"web/r": "{}"}, want: []string{"80 h *:"}, problems: []string{"r spec.parentRefs[0] NotAllowedByListeners"}},
		"another namespace, all":       {listeners: "[" + all + "]", routes: map[string]string{"web/r": "{}"}, want: []string{"80 h *: r"}},
		"another namespace, selected":  {listeners: "[{name: h, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {edge: 'yes'}}}}}]", routes: map[string]string{"web/r": "{}", "shop/s": "{}"}, want: []string{"80 h *: r"}, problems: []string{"s spec.parentRefs[0] NotAllowedByListeners"}},
		"no such kind of route":        {listeners: "[{name: h, port: 80, protocol: HTTP, allowedRoutes: {kinds: [{kind: GRPCRoute}, {kind: TCPRoute}]}}]", routes: map[string]string{"shop/r": "{}"}, want: []string{"80 h *:"}, problems: []string{"edge spec.listeners[0].allowedRoutes.kinds[1] InvalidRouteKinds", "r spec.parentRefs[0] NotAllowedByListeners"}},
	} {
		t.Run(name, func(t *testing.T) {
			var routes []*gatewayv1.HTTPRoute
			for name, spec := range tt.routes {
				routes = append(routes, httpRoute(t, name, spec))
			}
			hosts, problems := edgeOf(edgeWorld(t, tt.listeners, routes...))
			if diff := cmp.Diff(tt.want, hosts); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.problems, problems); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What is wrong with one listener takes nothing from the others.
func TestEdgeListenersThatAreNot(t *testing.T) {
	const good = ", {name: good, port: 8080, protocol: HTTP}]"
	for name, tt := range map[string]struct {
		listeners string
		edit      func(*ingest.GatewayObjects)
		problems  []string
	}{
		"a protocol":                 {listeners: "[{name: x, port: 80, protocol: TCP}", problems: []string{"spec.listeners[0].protocol UnsupportedProtocol"}},
		"one host twice":             {listeners: "[{name: x, port: 80, protocol: HTTP, hostname: A.example}, {name: y, port: 80, protocol: HTTP, hostname: a.example}", problems: []string{"spec.listeners[0].hostname HostnameConflict", "spec.listeners[1].hostname HostnameConflict"}},
		"two protocols":              {listeners: "[{name: x, port: 80, protocol: HTTP, hostname: a.example}, {name: y, port: 80, protocol: HTTPS, tls: {certificateRefs: [{name: a}]}}", problems: []string{"spec.listeners[0].protocol ProtocolConflict", "spec.listeners[1].protocol ProtocolConflict"}},
		"no certificate":             {listeners: "[{name: x, port: 443, protocol: HTTPS}", problems: []string{"spec.listeners[0].tls.certificateRefs InvalidCertificateRef"}},
		"passed through":             {listeners: "[{name: x, port: 443, protocol: HTTPS, tls: {mode: Passthrough, certificateRefs: [{name: a}]}}", problems: []string{"spec.listeners[0].tls.mode UnsupportedValue"}},
		"an option":                  {listeners: "[{name: x, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: a}], options: {a.example/min: '1.3'}}}", problems: []string{"spec.listeners[0].tls.options UnsupportedValue"}},
		"no file":                    {listeners: "[{name: x, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: none}]}}", problems: []string{"spec.listeners[0].tls.certificateRefs[0] InvalidCertificateRef"}},
		"of another namespace":       {listeners: "[{name: x, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: a, namespace: web}]}}", problems: []string{"spec.listeners[0].tls.certificateRefs[0] RefNotPermitted"}},
		"no Secret":                  {listeners: "[{name: x, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: a, kind: ConfigMap}]}}", problems: []string{"spec.listeners[0].tls.certificateRefs[0] InvalidCertificateRef"}},
		"certificates of clients":    {listeners: "[{name: x, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: a}]}}", edit: frontend("default: {validation: {caCertificateRefs: [{group: '', kind: ConfigMap, name: ca}]}}"), problems: []string{"spec.tls.frontend.default.validation NotHonoured"}},
		"certificates, on this port": {listeners: "[{name: x, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: a}]}}", edit: frontend("{default: {}, perPort: [{port: 443, tls: {validation: {caCertificateRefs: [{group: '', kind: ConfigMap, name: ca}]}}}]}"), problems: []string{"spec.tls.frontend.perPort[0].tls.validation NotHonoured"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := edgeWorld(t, tt.listeners+good, httpRoute(t, "shop/r", "{}"))
			if tt.edit != nil {
				tt.edit(&o)
			}
			hosts, problems := edgeOf(o)
			for i := range problems {
				problems[i] = strings.TrimPrefix(problems[i], "edge ")
			}
			if diff := cmp.Diff(tt.problems, problems); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{"8080 good *: r"}, hosts); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func frontend(text string) func(*ingest.GatewayObjects) {
	return func(o *ingest.GatewayObjects) {
		o.Gateway.Spec.TLS = &gatewayv1.GatewayTLSConfig{Frontend: &gatewayv1.FrontendTLSConfig{}}
		if err := yaml.UnmarshalStrict([]byte(text), o.Gateway.Spec.TLS.Frontend); err != nil {
			panic(err)
		}
	}
}

// Certificates are by namespace and name; one of another namespace needs a grant, and one
// of several that is not there leaves the others.
func TestEdgeCertificates(t *testing.T) {
	o := edgeWorld(t, `
- {name: own, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: a}, {name: none}, {name: b}, {name: a}]}}
- {name: granted, port: 443, protocol: HTTPS, hostname: a.example, tls: {certificateRefs: [{name: a, namespace: web}]}}
`)
	grant := &gatewayv1.ReferenceGrant{}
	grant.Namespace, grant.Name = "web", "g"
	read(t, "from: [{group: gateway.networking.k8s.io, kind: Gateway, namespace: shop}]\nto: [{group: '', kind: Secret, name: a}]", &grant.Spec)
	o.Routing.Grants = []*gatewayv1.ReferenceGrant{grant}
	g, problems := ingest.Gateway(o)
	var files []string
	for _, l := range g.Listeners {
		for _, c := range l.Certificates {
			files = append(files, l.Name+" "+c.File())
		}
	}
	if want := []string{"granted /certs/web.a.yaml", "own /certs/shop.a.yaml", "own /more/shop.b.yaml"}; !slices.Equal(files, want) {
		t.Errorf("%q, want %q", files, want)
	}
	if len(problems) != 1 || problems[0].Field != "spec.listeners[0].tls.certificateRefs[1]" ||
		!strings.HasPrefix(problems[0].Message, "there is no shop.none.yaml in /certs, /more;") {
		t.Errorf("%+v", problems)
	}
	o.Credentials = ingest.Credentials{}
	if _, problems = ingest.Gateway(o); !strings.Contains(problems[0].Message, "no --tls-dir is given") {
		t.Errorf("%+v", problems)
	}
}

// Routes are counted once, at every listener that they are attached to, also at one that
// does not listen.
func TestEdgeCounts(t *testing.T) {
	g, _ := ingest.Gateway(edgeWorld(t, "[{name: h, port: 80, protocol: HTTP}, {name: s, port: 443, protocol: HTTPS}, {name: t, port: 1, protocol: TCP}]",
		httpRoute(t, "shop/a", "parentRefs: [{name: edge}, {name: edge, sectionName: h}]"),
		httpRoute(t, "shop/b", "parentRefs: [{name: edge, sectionName: h}]"), httpRoute(t, "web/c", "{}")))
	if want := map[string]int{"h": 2, "s": 1, "t": 0}; !cmp.Equal(g.Attached, want) {
		t.Errorf("%v, want %v", g.Attached, want)
	}
	if g.Listeners[0].AttachedRoutes != 2 || g.Kind != model.Gateway {
		t.Errorf("%+v", g)
	}
}

// A backend that is not exported to the Gateway's namespace is told; its proxies do not
// see it.
func TestEdgeHiddenBackend(t *testing.T) {
	o := edgeWorld(t, "[{name: h, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]",
		httpRoute(t, "web/r", "rules: [{backendRefs: [{name: a, port: 80}, {name: b, port: 80}]}]"))
	for name, to := range map[string]string{"a": "shop", "b": "."} {
		s := reviews(func(s *corev1.Service) {
			s.Namespace, s.Name, s.Annotations = "web", name, map[string]string{"networking.coastwise.dev/export-to": to}
		})
		o.Routing.Backends[model.ServiceKey("web", name)] = s
	}
	if _, problems := edgeOf(o); !slices.Equal(problems, []string{"r spec.rules[0].backendRefs[1] BackendNotFound"}) {
		t.Error(problems)
	}
}

// The port of a redirect is by the API's rules (HTTPRequestRedirectFilter.port).
func TestEdgeRedirects(t *testing.T) {
	const tls = "protocol: HTTPS, tls: {certificateRefs: [{name: a}]}"
	for _, tt := range []struct{ listener, filter, hosts, want string }{
		{"port: 80, protocol: HTTP", "scheme: https", "a.example", "https://a.example:443"},
		{"port: 8080, protocol: HTTP", "scheme: https", "'*.example'", "https://:443"},
		{"port: 8080, protocol: HTTP", "scheme: https, port: 8443", "a.example", "https://a.example:8443"},
		{"port: 8080, protocol: HTTP", "hostname: b.example", "a.example", "http://b.example:8080"},
		{"port: 80, protocol: HTTP", "hostname: b.example", "a.example", "http://b.example:80"},
		{"port: 8443, " + tls, "statusCode: 301", "a.example", "https://a.example:8443"},
		{"port: 443, " + tls, "statusCode: 301", "", "https://:443"},
		{"port: 443, " + tls, "scheme: http", "a.example", "http://a.example:80"},
	} {
		g, problems := ingest.Gateway(edgeWorld(t, "[{name: h, "+tt.listener+"}]", httpRoute(t, "shop/r",
			"hostnames: ["+tt.hosts+"]\nrules: [{filters: [{type: RequestRedirect, requestRedirect: {"+tt.filter+"}}]}]")))
		r := g.Listeners[0].Hosts[0].Routes[0].Redirect
		if got := fmt.Sprintf("%s://%s:%d", r.Scheme, r.Host, r.Port); got != tt.want || len(problems) > 0 {
			t.Errorf("%s %s %s: %s, want %s; %v", tt.listener, tt.filter, tt.hosts, got, tt.want, problems)
		}
	}
}

// The addresses at the edge are those of a load balancer, where the Service is to have one;
// a waypoint's clients are in the mesh, and use its virtual IPs.
func TestEdgeAddresses(t *testing.T) {
	balanced := func(in ...corev1.LoadBalancerIngress) *corev1.Service {
		s := &corev1.Service{Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, ClusterIPs: []string{"10.96.0.9"}}}
		s.Status.LoadBalancer.Ingress = in
		return s
	}
	inner := &corev1.Service{Spec: corev1.ServiceSpec{ClusterIPs: []string{"10.96.0.8"}}}
	for _, tt := range []struct {
		services []*corev1.Service
		want     string
	}{
		{[]*corev1.Service{balanced()}, ""},
		{[]*corev1.Service{balanced(corev1.LoadBalancerIngress{IP: "192.0.2.2"}, corev1.LoadBalancerIngress{Hostname: "LB.example"})}, "192.0.2.2 lb.example"},
		{[]*corev1.Service{inner, balanced(corev1.LoadBalancerIngress{IP: "192.0.2.2"})}, "10.96.0.8 192.0.2.2"},
	} {
		o := edgeWorld(t, "[{name: h, port: 80, protocol: HTTP}]")
		o.Services = tt.services
		if g, _ := ingest.Gateway(o); strings.Join(g.Addresses, " ") != tt.want {
			t.Errorf("%q, want %q", g.Addresses, tt.want)
		}
	}
	g, _ := ingest.Gateway(ingest.GatewayObjects{
		Name: model.GatewayName{Namespace: "infra", Name: "wp"}, Gateway: waypoint(nil),
		Services: []*corev1.Service{balanced(corev1.LoadBalancerIngress{IP: "192.0.2.2"})},
	})
	if !slices.Equal(g.Addresses, []string{"10.96.0.9"}) {
		t.Errorf("of a waypoint: %q", g.Addresses)
	}
}

// An address of no value is any address; one that is asked for cannot be given.
func TestEdgeAnyAddress(t *testing.T) {
	o := edgeWorld(t, "[{name: h, port: 80, protocol: HTTP}]")
	read(t, "[{type: IPAddress}, {}, {type: Hostname}, {value: 192.0.2.1}]", &o.Gateway.Spec.Addresses)
	if _, problems := edgeOf(o); !slices.Equal(problems, []string{"edge spec.addresses[2] UnsupportedAddress", "edge spec.addresses[3] UnsupportedAddress"}) {
		t.Error(problems)
	}
}

// A certificate whose file is none refuses its listener; one that was sound when Envoys
// read it is told, and still shown.
func TestEdgeUnfitCertificates(t *testing.T) {
	o := edgeWorld(t, "[{name: x, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: a}]}}, {name: y, port: 444, protocol: HTTPS, tls: {certificateRefs: [{name: c}]}}]")
	o.Credentials.Unfit = map[string]string{"shop.a": "spoilt", "shop.c": "never was one"}
	g, problems := ingest.Gateway(o)
	if len(g.Listeners) != 1 || g.Listeners[0].Name != "x" {
		t.Errorf("%+v", g.Listeners)
	}
	if len(problems) != 2 || !strings.HasPrefix(problems[0].Message, "shop.a.yaml: spoilt: Envoys") ||
		problems[1].Message != "shop.c.yaml: never was one; the listener listens only with a certificate" ||
		problems[0].Reason != model.InvalidCertificateRef || problems[1].Reason != model.InvalidCertificateRef {
		t.Errorf("%+v", problems)
	}
}
