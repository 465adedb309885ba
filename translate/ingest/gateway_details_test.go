package ingest_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// A Gateway that asks for one thing that it does not get is told of that, and of nothing
// else.
func TestGatewaysAreToldOfWhatTheyAsk(t *testing.T) {
	from := func(from gatewayv1.FromNamespaces) func(*gatewayv1.Gateway) {
		return func(g *gatewayv1.Gateway) {
			g.Spec.AllowedListeners = &gatewayv1.AllowedListeners{Namespaces: &gatewayv1.ListenerNamespaces{From: &from}}
		}
	}
	infrastructure := func(i gatewayv1.GatewayInfrastructure) func(*gatewayv1.Gateway) {
		return func(g *gatewayv1.Gateway) { g.Spec.Infrastructure = &i }
	}
	labels, annotations := map[gatewayv1.LabelKey]gatewayv1.LabelValue{"a": "b"}, map[gatewayv1.AnnotationKey]gatewayv1.AnnotationValue{"a": "b"}
	for name, c := range map[string]struct {
		edit func(*gatewayv1.Gateway)
		want string
	}{
		"nothing":                   {nil, ""},
		"ListenerSets":              {from(gatewayv1.NamespacesFromAll), "spec.allowedListeners NotHonoured"},
		"no ListenerSets":           {from(gatewayv1.NamespacesFromNone), ""},
		"nothing of infrastructure": {infrastructure(gatewayv1.GatewayInfrastructure{}), ""},
		"a label":                   {infrastructure(gatewayv1.GatewayInfrastructure{Labels: labels}), "spec.infrastructure NotHonoured"},
		"an annotation":             {infrastructure(gatewayv1.GatewayInfrastructure{Annotations: annotations}), "spec.infrastructure NotHonoured"},
		"a label and an annotation": {infrastructure(gatewayv1.GatewayInfrastructure{Labels: labels, Annotations: annotations}), "spec.infrastructure NotHonoured"},
		"parameters, and no label":  {infrastructure(gatewayv1.GatewayInfrastructure{ParametersRef: &gatewayv1.LocalParametersReference{Kind: "K", Name: "n"}}), "spec.infrastructure.parametersRef InvalidParameters"},
		"the certificate to backends": {func(g *gatewayv1.Gateway) {
			g.Spec.TLS = &gatewayv1.GatewayTLSConfig{Backend: &gatewayv1.GatewayBackendTLS{}}
		}, "spec.tls.backend NotHonoured"},
	} {
		g, problems := ingest.Gateway(ingest.GatewayObjects{Name: model.GatewayName{Namespace: "infra", Name: "wp"}, Gateway: waypoint(c.edit)})
		var got []string
		for _, p := range problems {
			got = append(got, p.Field+" "+string(p.Reason))
		}
		if strings.Join(got, ", ") != c.want || g.Waypoint.Port != model.PortPROXY || g.Waypoint.Name != "mesh" {
			t.Errorf("%s: %+v is told %q, want %q", name, g.Waypoint, got, c.want)
		}
	}
}

// Virtual IPs are those of the list, and of the one field where there is none.
func TestVirtualIPs(t *testing.T) {
	for _, c := range []struct {
		spec corev1.ServiceSpec
		want []string
	}{
		{corev1.ServiceSpec{ClusterIP: "10.96.0.1"}, []string{"10.96.0.1"}},
		{corev1.ServiceSpec{ClusterIP: "10.96.0.1", ClusterIPs: []string{"10.96.0.2"}}, []string{"10.96.0.2"}},
		{corev1.ServiceSpec{ClusterIP: "None", ClusterIPs: []string{"None"}}, nil},
		{corev1.ServiceSpec{ClusterIPs: []string{"fd00::1", "10.96.0.1", "::ffff:10.96.0.1"}}, []string{"10.96.0.1", "fd00::1"}},
	} {
		c.spec.Ports = []corev1.ServicePort{{Port: 80}}
		s, problems := ingest.Service(ingest.Objects{Service: &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "a"}, Spec: c.spec}})
		if !slices.Equal(s.VIPs, c.want) {
			t.Errorf("%+v has %q, want %q: %v", c.spec, s.VIPs, c.want, problems)
		}
	}
}

// An entry's own label is before its Namespace's.
func TestWaypointOfAnEntry(t *testing.T) {
	entry := &v1alpha1.ServiceEntry{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "e", Labels: map[string]string{model.UseWaypoint: "own"}}}
	o := ingest.Objects{
		Entries:   []*v1alpha1.ServiceEntry{entry},
		Namespace: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{model.UseWaypoint: "of-all"}}},
	}
	if name, _, object := o.WaypointName(); name != (model.GatewayName{Namespace: "shop", Name: "own"}) || object.Name != "e" {
		t.Errorf("%v by %v", name, object)
	}
	entry.Labels = nil
	if name, _, object := o.WaypointName(); name != (model.GatewayName{Namespace: "shop", Name: "of-all"}) || object.Kind != "Namespace" {
		t.Errorf("%v by %v", name, object)
	}
}

// A Gateway sees the Services of its own namespace, whomever they are exported to, and
// of others those that it is shown.
func TestBackendsThatAGatewaySees(t *testing.T) {
	for where, told := range map[string]bool{"shop": false, "web": true} {
		r := httpRoute(t, where+"/r", "rules: [{backendRefs: [{name: b, port: 80}]}]")
		o := edgeWorld(t, "[{name: h, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]", r)
		o.Routing.Backends[model.Key{Namespace: where, Host: "b." + where + ".svc.cluster.local"}] = &corev1.Service{ObjectMeta: metav1.ObjectMeta{
			Namespace: where, Name: "b", Annotations: map[string]string{"networking.coastwise.dev/export-to": "nobody-else"},
		}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}
		_, problems := edgeOf(o)
		if found := slices.Contains(problems, "r spec.rules[0].backendRefs[0] BackendNotFound"); found != told {
			t.Errorf("a Service of %s: %q", where, problems)
		}
	}
}
