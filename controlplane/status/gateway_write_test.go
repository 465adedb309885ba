package status

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/model"
)

func (a *api) of(ref model.ObjectRef) Object {
	a.mu.Lock()
	defer a.mu.Unlock()
	return *a.objects[ref]
}

// stood is what an object's status says, if it is ours.
func (a *api) stood(ref model.ObjectRef, acting map[model.GatewayName]*model.GatewayObject) string {
	return texts(formOf(a.of(ref), newMesh(a.list(), acting)).stands())
}

// parents are the controllers of a route's entries.
func (a *api) parents(ref model.ObjectRef) string {
	var out []string
	for _, p := range a.of(ref).Whole.(*gatewayv1.HTTPRoute).Status.Parents {
		out = append(out, string(p.ControllerName))
	}
	return strings.Join(out, " ")
}

func TestKindsOfTheGatewayAPIAreWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		class, foreign, gateway, route := gatewayClass("coastwise", model.GatewayController), gatewayClass("other", "example.net/other"), edgeGateway("coastwise", "http/HTTP"), httpRoute("Service/reviews")
		waiting := metav1.Condition{Type: Accepted, Status: metav1.ConditionUnknown, Reason: Pending, Message: "Waiting for controller"}
		gateway.Whole.(*gatewayv1.Gateway).Status.Conditions = []metav1.Condition{waiting, {Type: "example.net/Audited"}}
		foreign.Whole.(*gatewayv1.GatewayClass).Status.Conditions = []metav1.Condition{waiting}
		acting := actingEdge("http")
		a, w := newAPI(class, foreign, gateway, route), &world{ready: true}
		start(t, a, w, "a", func(c *Config) {
			c.Gateways = func() map[model.GatewayName]*model.GatewayObject { return acting }
		})
		roll := func(n int) {
			w.set(func(w *world) {
				w.rollouts.Of = map[model.ObjectRef]model.Rollout{gateway.Ref: {Proxies: n, Programmed: n}, route.Ref: {Proxies: n, Programmed: n}}
			})
		}
		sleep(20 * time.Second)
		if n := a.by("a"); n != 3 {
			t.Errorf("%d writes, not one for each that is ours", n)
		}
		roll(1)
		sleep(10 * time.Second)
		for ref, want := range map[model.ObjectRef]string{
			class.Ref:   "Accepted True Accepted: the class is known",
			gateway.Ref: "Programmed True Programmed: 1 of 1 proxies",
			route.Ref:   RouteProgrammed + " True Programmed: 1 of 1 proxies",
		} {
			if got := a.stood(ref, acting); !strings.Contains(got, want) {
				t.Errorf("%s: got\n%s\nwant\n%s", ref, got, want)
			}
		}
		g := a.of(gateway.Ref).Whole.(*gatewayv1.Gateway).Status
		if len(g.Addresses) != 2 || len(g.Listeners) != 1 || g.Listeners[0].AttachedRoutes != 3 || len(g.Conditions) != 3 {
			t.Errorf("the Gateway: %+v", g)
		}
		roll(0)
		sleep(20 * time.Second)
		if g := a.of(gateway.Ref).Whole.(*gatewayv1.Gateway).Status; len(g.Addresses) != 0 {
			t.Errorf("without a proxy it has the addresses %+v", g.Addresses)
		}
		writes := a.by("a")
		sleep(time.Hour)
		if a.by("a") != writes {
			t.Errorf("%d writes of what stands there", a.by("a")-writes)
		}
		told := strings.Split(a.told(), "\n")
		slices.Sort(told) // they are sent side by side
		want := []string{
			"shop: Gateway shop/edge (g) Normal Accepted: the Gateway is valid",
			"shop: Gateway shop/edge (g) Normal Programmed: 1 of 1 proxies",
			"shop: HTTPRoute shop/reviews (r) Normal Programmed: no proxy holds it",
		}
		if !slices.Equal(told, want) {
			t.Errorf("Events: got %q", told)
		}
	})
}

// Another controller writes the same list again and again, between our reading and our
// writing too: its entry stands, and so does ours.
func TestTwoControllersShareARoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		route := httpRoute("Service/reviews", "Gateway/foreign")
		a, w := newAPI(route), &world{ready: true}
		write := func(message string) {
			o := a.of(route.Ref)
			is := o.Whole.(*gatewayv1.HTTPRoute).DeepCopy()
			entry := gatewayv1.RouteParentStatus{
				ParentRef: is.Spec.ParentRefs[1], ControllerName: "example.net/other", Conditions: []metav1.Condition{{Type: Accepted, Message: message}},
			}
			kept := []gatewayv1.RouteParentStatus{entry}
			for _, p := range is.Status.Parents {
				if isOurs(p) {
					kept = append(kept, p)
				}
			}
			is.Status.Parents, o.Whole = kept, is
			a.put(o)
		}
		looks := 0
		r := start(t, a, w, "a", func(c *Config) {
			c.Problems = func() []model.Problem { // after Objects were read
				if looks++; looks <= 3 {
					write("in between")
				}
				return nil
			}
		})
		sleep(20 * time.Second)
		if got := a.parents(route.Ref); got != "example.net/other "+model.GatewayController {
			t.Errorf("after our write: %s", got)
		}
		if tries := r.metric(t, "coastwise_status_writes_total"); tries != 4 || a.by("a") != 1 {
			t.Errorf("%v tries, %d written: three met a newer version", tries, a.by("a"))
		}
		write("later")
		sleep(20 * time.Second)
		if got := a.of(route.Ref).Whole.(*gatewayv1.HTTPRoute).Status.Parents; len(got) != 2 || got[0].Conditions[0].Message != "later" || a.by("a") != 1 {
			t.Errorf("after theirs: %+v, %d written", got, a.by("a"))
		}
		gone := a.of(route.Ref)
		is := gone.Whole.(*gatewayv1.HTTPRoute).DeepCopy()
		is.Spec.ParentRefs = is.Spec.ParentRefs[1:]
		gone.Whole, gone.Generation, gone.Acts = is, 5, 5
		a.put(gone)
		sleep(20 * time.Second)
		if got := a.parents(route.Ref); got != "example.net/other" {
			t.Errorf("our parent is gone, and there is %s", got)
		}
	})
}
