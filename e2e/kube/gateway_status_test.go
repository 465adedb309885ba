package kube_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/retry"

	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/kube"
	"github.com/coastwise/coastwise/e2e/manifest"
)

const (
	controller = "networking.coastwise.dev/gateway-controller"
	other      = "example.net/other"
)

var httpRoutes = schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "httproutes"}

// gatewayScene is a waypoint's Gateway without a proxy, another controller's Gateway, and
// a route that has the Service reviews and that other Gateway as parents.
type gatewayScene struct {
	*kube.Scene
	namespace string
}

func newGatewayScene(t *testing.T) gatewayScene {
	s := newScene(t)
	s.Cluster.ApplyGatewayAPI(t, cluster.GatewayStandard)
	g := gatewayScene{s, s.Cluster.Namespace(t, "gateway")}
	s.Cluster.Apply(t, manifest.Join(
		class("coastwise-waypoint", controller, ""), class("foreign", other, ""), class("tuned", controller, "  parametersRef: {group: example.net, kind: Tuning, name: x}\n"),
		g.gateway("way", "coastwise-waypoint", 15088), g.gateway("astray", "coastwise-waypoint", 8080), g.gateway("foreign", "foreign", 15088),
		service(g.namespace, "reviews", ""), g.route("reviews", "Service/reviews", "Gateway/foreign"),
		manifest.Service(g.namespace, "way", 15088, "    targetPort: 15088\n"),
	))
	s.Cluster.Kubectl(t, "label", "-n", g.namespace, "service/way", "gateway.networking.k8s.io/gateway-name=way")
	return g
}

func class(name, controller, extra string) string {
	return fmt.Sprintf("apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: %s}\nspec:\n  controllerName: %s\n%s", name, controller, extra)
}

func (g gatewayScene) gateway(name, class string, port int) string {
	return fmt.Sprintf(`apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: %s, namespace: %s}
spec:
  gatewayClassName: %s
  listeners: [{name: mesh, port: %d, protocol: PROXY}]
`, name, g.namespace, class, port)
}

// route sends everything to a backend; parents are KIND/NAME.
func (g gatewayScene) route(backend string, parents ...string) string {
	var refs []string
	for _, p := range parents {
		kind, name, _ := strings.Cut(p, "/")
		group := "gateway.networking.k8s.io"
		if kind == "Service" {
			group = ""
		}
		refs = append(refs, fmt.Sprintf("{group: %q, kind: %s, name: %s}", group, kind, name))
	}
	return fmt.Sprintf(`apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: reviews, namespace: %s}
spec:
  parentRefs: [%s]
  rules: [{backendRefs: [{name: %s, port: 80}]}]
`, g.namespace, strings.Join(refs, ", "), backend)
}

// says waits until an object's jsonpath gives a text.
func (g gatewayScene) says(what, path, want string) {
	g.Helper()
	cluster.Eventually(g, kube.Patience, func() error {
		got := g.Cluster.Kubectl(g, "get", what, "-n", g.namespace, "-o", "jsonpath="+path)
		if !strings.Contains(got, want) {
			return fmt.Errorf("%s of %s is %q, and lacks %q", path, what, got, want)
		}
		return nil
	})
}

// A Gateway and a route say what became of them: at once that they are valid, and only
// once an Envoy runs the Gateway that it is programmed, and where it is. What is of
// another controller is not touched.
func TestGatewayStatus(t *testing.T) {
	g := newGatewayScene(t)
	const conditions = "{range .status.conditions[*]}{.type} {.status} {.reason}: {.message}\n{end}"
	const listener = "{range .status.listeners[0].conditions[*]}{.type} {.status} {.reason}: {.message}\n{end}"
	wait := func(args ...string) {
		t.Helper()
		g.Cluster.Kubectl(t, append([]string{"wait", "-n", g.namespace, "--timeout=30s"}, args...)...)
	}
	wait("--for=condition=Accepted", "gatewayclass/coastwise-waypoint", "gateway/way")
	g.says("gatewayclass/tuned", conditions, "Accepted False InvalidParameters")
	g.says("gateway/way", conditions, "Programmed False Pending: no proxy runs it: start one with coastwise bootstrap --kind waypoint --gateway "+g.namespace+"/way")
	g.says("gateway/way", "{.status.listeners[0].name} {.status.listeners[0].attachedRoutes}", "mesh 0")
	g.says("gateway/astray", conditions, "Accepted False ListenersNotValid")
	g.says("gateway/astray", listener, "Accepted False PortUnavailable: spec.listeners[0].port")
	for _, want := range []string{"Accepted True Accepted", "ResolvedRefs True ResolvedRefs", "networking.coastwise.dev/Programmed True Programmed: no proxy holds it"} {
		g.says("httproute/reviews", "{range .status.parents[0].conditions[*]}{.type} {.status} {.reason}: {.message}\n{end}", want)
	}

	e := g.Waypoint(g.namespace, "way", "")
	began := time.Now()
	wait("--for=condition=Programmed", "gateway/way")
	t.Logf("Programmed %v after the Envoy was ready", time.Since(began))
	ip := g.Cluster.Kubectl(t, "get", "service/way", "-n", g.namespace, "-o", "jsonpath={.spec.clusterIP}")
	g.says("gateway/way", "{.status.addresses[*].type} {.status.addresses[*].value}", "IPAddress "+ip)
	g.says("gateway/way", listener, "Programmed True Programmed: 1 of 1 proxies")

	e.Stop(3 * time.Second)
	wait("--for=condition=Programmed=False", "gateway/way")
	if left := g.Cluster.Kubectl(t, "get", "gateway/way", "-n", g.namespace, "-o", "jsonpath={.status.addresses}"); left != "" {
		t.Errorf("without a proxy it has the addresses %s", left)
	}
	for _, what := range []string{"gatewayclass/foreign", "gateway/foreign"} {
		g.says(what, conditions, "Accepted Unknown Pending: Waiting for controller")
	}
	if events := g.Cluster.Kubectl(t, "get", "events", "-n", g.namespace, "-o", `jsonpath={range .items[*]}{.involvedObject.name} {.type} {.reason}{"\n"}{end}`); !strings.Contains(events, "astray Warning ListenersNotValid") ||
		!strings.Contains(events, "way Normal Programmed") || strings.Contains(events, "foreign") {
		t.Errorf("Events:\n%s", events)
	}
}

// The entries of two controllers that write the one list of a route's parents at the
// same time both stand, and ours goes with its parent.
func TestRouteStatusBesideAnotherController(t *testing.T) {
	g := newGatewayScene(t)
	routes := g.Cluster.Dynamic().Resource(httpRoutes).Namespace(g.namespace)
	for i := range 10 {
		backend, resolved := "reviews", "True ResolvedRefs"
		if i%2 == 0 {
			backend, resolved = "nowhere", "False BackendNotFound"
		}
		g.Cluster.Apply(t, g.route(backend, "Service/reviews", "Gateway/foreign"))
		for n := range 3 { // ours is written meanwhile
			g.foreign(fmt.Sprintf("write %d.%d", i, n))
			time.Sleep(100 * time.Millisecond)
		}
		g.says("httproute/reviews", `{range .status.parents[*]}{.controllerName} {range .conditions[?(@.type=="ResolvedRefs")]}{.status} {.reason}{end};{end}`, controller+" "+resolved)
		g.says("httproute/reviews", "{.status.parents[*].conditions[*].message}", fmt.Sprintf("write %d.2", i))
	}
	g.Cluster.Apply(t, g.route("reviews", "Gateway/foreign"))
	cluster.Eventually(t, kube.Patience, func() error {
		o, err := routes.Get(t.Context(), "reviews", metav1.GetOptions{})
		if err != nil {
			return err
		}
		parents, _, _ := unstructured.NestedSlice(o.Object, "status", "parents")
		if len(parents) != 1 || parents[0].(map[string]any)["controllerName"] != other {
			return fmt.Errorf("its parents are %v", parents)
		}
		return nil
	})
}

// foreign writes the other controller's entry, as controllers do: it reads, puts its
// entry in the place of its former, and writes unless somebody else has written.
func (g gatewayScene) foreign(message string) {
	g.Helper()
	routes := g.Cluster.Dynamic().Resource(httpRoutes).Namespace(g.namespace)
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		o, err := routes.Get(context.Background(), "reviews", metav1.GetOptions{})
		if err != nil {
			return err
		}
		parents, _, _ := unstructured.NestedSlice(o.Object, "status", "parents")
		all := []any{map[string]any{
			"controllerName": other, "parentRef": map[string]any{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "foreign"},
			"conditions": []any{map[string]any{"type": "Accepted", "status": "True", "reason": "Accepted", "message": message, "lastTransitionTime": "2026-11-25T12:00:00Z"}},
		}}
		for _, p := range parents {
			if p.(map[string]any)["controllerName"] != other {
				all = append(all, p)
			}
		}
		if err := unstructured.SetNestedSlice(o.Object, all, "status", "parents"); err != nil {
			return err
		}
		_, err = routes.UpdateStatus(context.Background(), o, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		g.Fatal(err)
	}
}
