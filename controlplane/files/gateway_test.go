package files

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/model"
)

const aGateway = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: shop, name: edge}
spec: {gatewayClassName: coastwise, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {namespace: back, name: shop}
spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: shop}], to: [{group: "", kind: Service}]}
`

const someRoutes = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRouteList
items:
- metadata: {namespace: shop, name: web}
  spec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{name: cart, namespace: back, port: 80}]}]}
- metadata: {namespace: shop, name: cart}
  spec: {parentRefs: [{group: "", kind: Service, name: cart}], rules: [{timeouts: {request: 1s}}]}
`

// routed is the Gateway as the store has it, and the routes of the Service cart.
func (w *world) routed() string {
	o := w.store.GatewayObjects(model.GatewayName{Namespace: "shop", Name: "edge"})
	var out []string
	if o.Gateway != nil {
		out = append(out, "Gateway")
	}
	for _, route := range o.Routing.HTTP {
		out = append(out, "edge:"+route.Name)
	}
	for _, grant := range o.Routing.Grants {
		out = append(out, "grant:"+grant.Name)
	}
	for _, route := range w.store.Objects(model.ServiceKey("shop", "cart")).Routing.HTTP {
		out = append(out, "cart:"+string(*route.Spec.Rules[0].Timeouts.Request))
	}
	return strings.Join(out, " ")
}

// TestGatewayAPI: its kinds come from a folder as all others do, lists unpacked; an edit
// that is refused changes nothing, and says where it stands.
func TestGatewayAPI(t *testing.T) {
	w := newWorld(t, map[string]string{"gateway.yaml": aGateway, "routes.yaml": someRoutes, "tcp.yaml": `
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: {namespace: shop, name: db}
`}, "")
	w.must(w.source.Load())
	const all = "Gateway edge:web grant:shop cart:1s"
	if got := w.routed(); got != all {
		t.Errorf("%q, want %q", got, all)
	}
	if f := w.source.Foreign(); len(f) != 1 || f[0].Kind != "TCPRoute.gateway.networking.k8s.io" {
		t.Errorf("foreign: %v", f)
	}
	var said []string
	for _, p := range w.store.Problems() {
		said = append(said, string(p.Severity)+" "+string(p.Reason)+" "+p.Object.String()+" "+p.Field+" "+strings.TrimPrefix(p.File, w.dir+"/"))
	}
	if d := cmp.Diff([]string{"info NotServed TCPRoute shop/db kind tcp.yaml"}, said); d != "" {
		t.Error(d)
	}

	w.write("routes.yaml", strings.Replace(someRoutes, "request: 1s", "request: 1s, request2: 2s", 1))
	w.must(w.source.Load())
	if got := w.routed(); got != all {
		t.Errorf("after a refused edit %q, want %q", got, all)
	}
	problems := w.store.Problems()
	if len(problems) != 2 || problems[0].Reason != model.UnknownField || problems[0].Field != "spec.rules[0].timeouts.request2" ||
		problems[0].File != w.path("routes.yaml") {
		t.Errorf("%+v", problems)
	}

	w.write("routes.yaml", strings.Replace(someRoutes, "request: 1s", "request: 2s", 1))
	w.write("z.yaml", aGateway) // a second time
	w.must(w.source.Load())
	if got, want := w.routed(), "Gateway edge:web grant:shop cart:2s"; got != want {
		t.Errorf("after a good edit %q, want %q", got, want)
	}
	if got := w.problems(); got != "DuplicateObject z.yaml, DuplicateObject z.yaml" {
		t.Errorf("%q", got)
	}
	w.must(w.source.Load())
	if d := w.store.Take(); len(d.Gateways) == 0 {
		t.Errorf("%+v", d)
	}
	w.must(w.source.Load())
	if d := w.store.Take(); !d.Empty() {
		t.Errorf("reading the same again marks %+v", d)
	}
}

// TestFilesOverServer: a file's route counts above the API server's of its name.
func TestFilesOverServer(t *testing.T) {
	w := newWorld(t, map[string]string{"routes.yaml": someRoutes, "other.yaml": svc("x", 80)}, "")
	w.must(w.source.Load())
	mine := w.store.Objects(model.ServiceKey("shop", "cart")).Routing.HTTP[0]
	theirs := mine.DeepCopy()
	*theirs.Spec.Rules[0].Timeouts.Request = "9s"
	ref := model.ObjectRef{Kind: "HTTPRoute", Namespace: "shop", Name: "cart"}
	w.store.ApplyAPI([]store.Change{{Ref: ref, Object: theirs}})
	if got := w.routed(); got != "edge:web cart:1s" || !w.store.Shadowed(ref) {
		t.Errorf("%q", got)
	}
	w.must(os.Remove(w.path("routes.yaml")))
	w.must(w.source.Load())
	if got := w.routed(); got != "cart:9s" {
		t.Errorf("%q", got)
	}
}
