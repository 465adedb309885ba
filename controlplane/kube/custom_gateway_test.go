package kube

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/admit"
	"github.com/coastwise/coastwise/translate/model"
)

const (
	theClasses  = "gatewayclasses.gateway.networking.k8s.io"
	theGateways = "gateways.gateway.networking.k8s.io"
	theRoutes   = "httproutes.gateway.networking.k8s.io"
	theGRPC     = "grpcroutes.gateway.networking.k8s.io"
	theGrants   = "referencegrants.gateway.networking.k8s.io"
)

const aRoute = `{"metadata":{"namespace":"a","name":"x","uid":"u1","generation":3},"spec":{"parentRefs":[{"group":"","kind":"Service","name":"one"}],
	"rules":[{"backendRefs":[{"name":"two","namespace":"b","port":80}]}]},"status":{"parents":[{"controllerName":"example.com/other",
	"parentRef":{"name":"g"},"conditions":[{"type":"Accepted","status":"True","reason":"Accepted","message":"","lastTransitionTime":"2026-01-02T03:04:05Z"}]}]}}`

// contains waits until the store holds just these objects, as KIND NAMESPACE/NAME.
func (r *customRun) contains(want ...string) {
	r.t.Helper()
	r.until(strings.Join(want, ", ")+" are held", func() bool {
		var got []string
		for _, c := range r.st.Admitted() {
			got = append(got, c.Ref.String())
		}
		return slices.Equal(got, want)
	})
}

// serveGateways is a server with the Gateway API, grants in one version, and one object
// of each kind.
func serveGateways(t *testing.T, grants string) *crdServer {
	s := newCRDServer(t)
	for _, resource := range []string{theClasses, theGateways, theRoutes, theGRPC} {
		s.serve(resource, "v1")
	}
	s.serve(theGrants, grants)
	s.put(theClasses, `{"metadata":{"name":"c","uid":"u4","generation":1},"spec":{"controllerName":"example.com/other"},"status":{"conditions":[]}}`)
	s.put(theGateways, `{"metadata":{"namespace":"a","name":"g","uid":"u3","generation":2},"spec":{"gatewayClassName":"c","listeners":[
		{"name":"http","port":80,"protocol":"HTTP"}]},"status":{"addresses":[{"type":"IPAddress","value":"192.0.2.1"}]}}`)
	s.put(theRoutes, aRoute)
	s.put(theGRPC, `{"metadata":{"namespace":"a","name":"y","uid":"u2","generation":1},"spec":{"parentRefs":[{"name":"g"}]}}`)
	s.put(theGrants, `{"metadata":{"namespace":"b","name":"r","uid":"u5"},"spec":{"from":[{"group":"gateway.networking.k8s.io",
		"kind":"HTTPRoute","namespace":"a"}],"to":[{"group":"","kind":"Service"}]}}`)
	return s
}

// TestGatewayAPI: its kinds come into the store where they are installed, and what
// writers of a status need stays beside.
func TestGatewayAPI(t *testing.T) {
	leaks(t)
	for _, version := range []string{"v1", "v1beta1"} {
		t.Run("grants in "+version, func(t *testing.T) {
			s := serveGateways(t, version)
			r := runCustom(t, s, admit.Options{})
			r.until("synced", r.synced)
			r.contains("GRPCRoute a/y", "Gateway a/g", "GatewayClass c", "HTTPRoute a/x", "ReferenceGrant b/r")
			routing := r.service("one").Routing
			if len(routing.HTTP) != 1 || len(routing.Grants) != 1 || len(routing.HTTP[0].Status.Parents) != 0 {
				t.Errorf("%+v", routing)
			}
			o := r.st.GatewayObjects(model.GatewayName{Namespace: "a", Name: "g"})
			if o.Class == nil || len(o.Routing.GRPC) != 1 || *o.Gateway.Spec.Listeners[0].AllowedRoutes.Namespaces.From != gatewayv1.NamespacesFromSame {
				t.Errorf("%+v", o)
			}
			s.drop(theGateways, "a/g")
			s.serve(theRoutes)
			r.contains("GRPCRoute a/y", "GatewayClass c", "ReferenceGrant b/r")
		})
	}
}

// TestWrittenOfGatewayAPI: the objects are there as the server has them, status and all,
// also where they are refused; and of grants nobody writes a status.
func TestWrittenOfGatewayAPI(t *testing.T) {
	s := serveGateways(t, "v1")
	r := runCustom(t, s, admit.Options{})
	r.until("synced", r.synced)
	about := func() (all []string) {
		for _, w := range r.written() {
			said := ""
			switch o := w.Whole.(type) {
			case *gatewayv1.GatewayClass:
				said = string(o.Spec.ControllerName)
			case *gatewayv1.Gateway:
				said = o.Status.Addresses[0].Value
			case *gatewayv1.HTTPRoute:
				said = string(o.Status.Parents[0].ControllerName) + " " + string(o.Spec.ParentRefs[0].Name)
			case *gatewayv1.GRPCRoute:
				said = string(o.Spec.ParentRefs[0].Name)
			}
			all = append(all, strings.Join([]string{w.Ref.String(), string(w.UID), string(w.State), said}, " "))
		}
		return all
	}
	want := []string{
		"GRPCRoute a/y u2 admitted g", "Gateway a/g u3 admitted 192.0.2.1",
		"GatewayClass c u4 admitted example.com/other", "HTTPRoute a/x u1 admitted example.com/other one",
	}
	if d := cmp.Diff(want, about()); d != "" {
		t.Fatal(d)
	}
	r.st.Take()
	s.put(theRoutes, strings.Replace(aRoute, "example.com/other", "example.com/another", 1))
	r.until("a new status is seen", func() bool { return strings.Contains(strings.Join(about(), ""), "another one") })
	if d := r.st.Take(); !d.Empty() {
		t.Errorf("a status marks %+v", d)
	}
	s.put(theRoutes, strings.NewReplacer(`"generation":3`, `"generation":4`, `"rules":[{`, `"rules":[{"timeouts":{"request":"soon"},`).Replace(aRoute))
	r.until("it is refused", func() bool { return strings.Contains(strings.Join(about(), ""), "u1 held example.com/other one") })
	ref := model.ObjectRef{Kind: "HTTPRoute", Namespace: "a", Name: "x"}
	if got := r.generations()[ref]; got != 3 || len(r.service("one").Routing.HTTP) != 1 {
		t.Errorf("generation %d acts", got)
	}
	problems := r.st.Problems()
	if len(problems) != 1 || problems[0].Object != ref || problems[0].Field != "spec.rules[0].timeouts.request" || problems[0].Reason != model.Invalid {
		t.Errorf("%+v", problems)
	}
}

// TestUnreadableStatus: an object that its type cannot hold still has a name to write to.
func TestUnreadableStatus(t *testing.T) {
	s := newCRDServer(t)
	s.serve(theRoutes, "v1")
	s.put(theRoutes, strings.Replace(aRoute, `"parents":[`, `"parents":7,"other":[`, 1))
	r := runCustom(t, s, admit.Options{})
	r.until("synced", r.synced)
	route, ok := r.written()[0].Whole.(*gatewayv1.HTTPRoute)
	if !ok || route.Name != "x" || route.UID != "u1" || route.Generation != 3 {
		t.Errorf("%+v", route)
	}
	r.contains("HTTPRoute a/x")
}

// TestForbiddenGatewayAPI: it blocks nothing, and acts once it may be read.
func TestForbiddenGatewayAPI(t *testing.T) {
	s := serveGateways(t, "v1")
	s.do(func() { s.forbidden[theRoutes] = true })
	r := runCustom(t, s, admit.Options{})
	r.until("synced", r.synced)
	if got := r.forbidden(); !slices.Equal(got, []string{theRoutes}) || r.log.with("deploy/rbac.yaml") != 1 || len(r.missing()) != 4 {
		t.Fatalf("%q %q\n%s", got, r.missing(), r.log.text())
	}
	s.do(func() { s.forbidden[theRoutes] = false })
	r.contains("GRPCRoute a/y", "Gateway a/g", "GatewayClass c", "HTTPRoute a/x", "ReferenceGrant b/r")
}
