package snapshot

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/third_party/istio/workloadapi"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
	"github.com/coastwise/coastwise/translate/workload"
	"github.com/coastwise/coastwise/translate/worldtest"
)

// The law of workload discovery: whatever comes and goes, a ztunnel that takes what it is
// told of ends with what a fresh process would tell it, and at no revision is a policy
// named that is not there.
func TestEveryZtunnelEndsWithAFreshTable(t *testing.T) {
	seldom(t, 60, func(t *rapid.T) {
		world := worldtest.Draw(t)
		st := store.New()
		h := New(st, 0, slog.New(slog.NewTextHandler(io.Discard, nil)))
		h.slice = 0
		give := st.Apply
		if rapid.Bool().Draw(t, "API server") {
			give = st.ApplyAPI
		}
		give(changes(world.Events()))
		h.Publish(time.Time{})
		z := h.JoinZtunnel(model.Proxy{ID: "a/z", Kind: model.Ztunnel})
		held := map[string]string{}
		now := time.Unix(1_000_000, 0)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "mesh") {
				e := worldtest.DrawEvent(t)
				world.Apply(e)
				give([]store.Change{{Ref: e.Ref, Object: e.Object, Fence: e.Fence}})
			} else {
				c := drawAmbient(t)
				world.Apply(worldtest.Event{Ref: c.Ref, Object: c.Object})
				give([]store.Change{c})
			}
			now = now.Add(20 * time.Millisecond)
			h.Publish(now)
			checkPolicies(t, h.Snapshot().Workloads)
			if rapid.Bool().Draw(t, "take") {
				hear(z, held)
			}
		}
		for again := true; again; again = h.unfinished() {
			now = now.Add(settle)
			h.Publish(now)
		}
		hear(z, held)

		if d := differs(held, fresh(world)); d != "" {
			t.Error(d)
		}
	})
}

// fresh is what a ztunnel holds that asks a new process.
func fresh(world worldtest.World) map[string]string {
	out := map[string]string{}
	hear(freshHub(world).JoinZtunnel(model.Proxy{ID: "a/z", Kind: model.Ztunnel}), out)
	return out
}

// differs says how two states differ, "" if they do not.
func differs(held, want map[string]string) string {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if held[name] != want[name] {
			return fmt.Sprintf("%s: has %q, a fresh process says %q", name, held[name], want[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(held)) {
		if want[name] == "" {
			return name + " is still there"
		}
	}
	return ""
}

// Each of these changes touches something that only the change before makes possible.
func TestEveryChangeOfAWaypointArrives(t *testing.T) {
	gateway := func(labels map[string]string) store.Change {
		return ambient("Gateway", "a", "way", &gatewayv1.Gateway{
			ObjectMeta: metav1.ObjectMeta{Name: "way", Namespace: "a", Labels: labels},
			Spec: gatewayv1.GatewaySpec{GatewayClassName: model.WaypointClass, Listeners: []gatewayv1.Listener{
				{Name: "l", Port: model.PortPROXY, Protocol: model.ProtocolPROXY},
			}},
		})
	}
	service := func(name, vip string, labels map[string]string) store.Change {
		return ambient("Service", "a", name, &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "a", Labels: labels},
			Spec:       corev1.ServiceSpec{ClusterIP: vip, Ports: []corev1.ServicePort{{Port: 80}}},
		})
	}
	namespace := func(labels map[string]string) store.Change {
		return ambient("Namespace", "", "a", &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: labels}})
	}
	pod := func(account string) store.Change {
		return ambient("Pod", "a", "way-0", &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "way-0", Namespace: "a", Labels: map[string]string{gatewayv1.GatewayNameLabelKey: "way"}},
			Spec:       corev1.PodSpec{ServiceAccountName: account}, Status: corev1.PodStatus{PodIP: "10.9.9.9"},
		})
	}
	use, enforce := map[string]string{model.UseWaypoint: "way"}, map[string]string{workload.EnforceWaypoint: "true"}
	of := map[string]string{gatewayv1.GatewayNameLabelKey: "way"}
	world := worldtest.New()
	st := store.New()
	h := New(st, 0, slog.New(slog.DiscardHandler))
	for _, c := range manyWorkloads(20) {
		world.Apply(worldtest.Event{Ref: c.Ref, Object: c.Object})
	}
	st.Apply(changes(world.Events()))
	h.Publish(time.Time{})
	z := h.JoinZtunnel(model.Proxy{ID: "a/z", Kind: model.Ztunnel})
	held := map[string]string{}
	for i, c := range []store.Change{
		service("s0", "10.0.0.1", use), gateway(nil), service("way", "10.0.0.9", of), service("way", "10.0.0.8", of),
		namespace(map[string]string{model.LabelNetwork: "n"}), gateway(enforce), pod("one"), pod("two"), gateway(nil), gateway(enforce),
		{Ref: pod("").Ref},
		pod("one"), service("s1", "10.0.0.2", use), namespace(use), gateway(map[string]string{"istio.io/waypoint-for": "workload"}),
		namespace(nil),
		{Ref: gateway(nil).Ref},
		gateway(enforce),
		{Ref: service("way", "", nil).Ref},
		{Ref: service("s0", "", nil).Ref},
	} {
		world.Apply(worldtest.Event{Ref: c.Ref, Object: c.Object})
		st.Apply([]store.Change{c})
		h.Publish(time.Unix(int64(i), 0))
		h.Publish(time.Unix(int64(i)+1, 0)) // what waits because it empties a service
		hear(z, held)
		if d := differs(held, fresh(world)); d != "" {
			t.Errorf("after change %d, %s: %s", i, c.Ref, d)
		}
	}
}

// hear does what a stream does with an update.
func hear(z *Ztunnel, held map[string]string) {
	u := z.Take()
	for _, url := range []string{workload.AddressType, workload.AuthorizationType} {
		names := u.Names
		if u.All {
			names = append(names, u.Table.Names(url)...)
		}
		for _, name := range names {
			if r := u.Table.Get(url, name); r != nil {
				held[url+" "+name] = r.Version
			} else {
				delete(held, url+" "+name)
			}
		}
	}
}

func checkPolicies(t *rapid.T, table *Workloads) {
	for _, name := range table.Names(workload.AddressType) {
		a := &workloadapi.Address{}
		if err := proto.Unmarshal(table.Get(workload.AddressType, name).Body, a); err != nil {
			t.Fatal(err)
		}
		for _, policy := range a.GetWorkload().GetAuthorizationPolicies() {
			if table.Get(workload.AuthorizationType, policy) == nil {
				t.Errorf("%s names the policy %s, which is not there", name, policy)
			}
		}
	}
}

// drawAmbient is a change of what ztunnels alone look at: Gateways, their Services and
// pods, and labels that name them; one in four is a deletion.
func drawAmbient(t *rapid.T) store.Change {
	namespace := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "namespace")
	way := rapid.SampledFrom([]string{"way", "gate"}).Draw(t, "gateway")
	labels := map[string]string{}
	maybe := func(key string, values ...string) {
		if v := rapid.SampledFrom(append(values, "")).Draw(t, key); v != "" {
			labels[key] = v
		}
	}
	var c store.Change
	switch kind := rapid.SampledFrom([]string{"Gateway", "Service", "Pod", "Pod", "Namespace"}).Draw(t, "kind"); kind {
	case "Gateway":
		maybe(workload.EnforceWaypoint, "true", "true", "false")
		maybe("istio.io/waypoint-for", "all", "service", "workload", "none")
		c = ambient(kind, namespace, way, &gatewayv1.Gateway{
			ObjectMeta: metav1.ObjectMeta{Name: way, Namespace: namespace, Labels: labels},
			Spec: gatewayv1.GatewaySpec{
				GatewayClassName: model.WaypointClass,
				Listeners: []gatewayv1.Listener{rapid.SampledFrom([]gatewayv1.Listener{
					{Name: "l", Port: model.PortPROXY, Protocol: model.ProtocolPROXY}, {Name: "l", Port: model.PortHBONE, Protocol: model.ProtocolHBONE}, {Name: "l", Port: 1, Protocol: "X"},
				}).Draw(t, "listener")},
			},
		})
	case "Service":
		maybe(gatewayv1.GatewayNameLabelKey, way, way)
		maybe(model.UseWaypoint, "way", "gate", "none")
		name := rapid.SampledFrom([]string{"s1", "x1"}).Draw(t, "service")
		c = ambient(kind, namespace, name, &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: labels},
			Spec:       corev1.ServiceSpec{ClusterIP: rapid.SampledFrom([]string{"10.0.0.1", "10.0.0.2", ""}).Draw(t, "vip"), Ports: []corev1.ServicePort{{Port: 80}}},
		})
	case "Pod":
		maybe(gatewayv1.GatewayNameLabelKey, way)
		maybe(model.UseWaypointIstio, "way", "gate")
		name := fmt.Sprint("p", rapid.IntRange(1, 5).Draw(t, "pod"))
		c = ambient(kind, namespace, name, &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: labels},
			Spec: corev1.PodSpec{
				ServiceAccountName: rapid.SampledFrom([]string{"", "sa"}).Draw(t, "account"),
				NodeName:           rapid.SampledFrom([]string{"", "n1", "n2"}).Draw(t, "node"),
			},
			Status: corev1.PodStatus{PodIP: "10.1.0." + name[1:], Conditions: []corev1.PodCondition{{
				Type: corev1.PodReady, Status: rapid.SampledFrom([]corev1.ConditionStatus{"True", "False"}).Draw(t, "ready"),
			}}},
		})
	default:
		maybe(model.UseWaypoint, "way", "none")
		maybe(model.LabelNetwork, "n1", "n2")
		c = ambient(kind, "", namespace, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace, Labels: labels}})
	}
	if rapid.IntRange(0, 3).Draw(t, "gone") == 0 {
		c.Object = nil
	}
	return c
}

func ambient(kind, namespace, name string, object any) store.Change {
	return store.Change{Ref: model.ObjectRef{Kind: kind, Namespace: namespace, Name: name}, Object: object}
}

// The table copies a part of itself, and never what is published.
func TestWorkloadTableIsNotModified(t *testing.T) {
	first := newEdit(&Workloads{})
	for i := range 1000 {
		first.set(workload.AddressType, fmt.Sprint(i), resource("1"))
	}
	base := first.table()
	next := newEdit(base)
	next.set(workload.AddressType, "7", resource("2"))
	next.set(workload.AddressType, "8", nil)
	next.set(workload.AddressType, "9", resource("1"))
	if got := slices.Sorted(maps.Keys(next.names)); !slices.Equal(got, []string{"7", "8"}) {
		t.Errorf("differs: %v", got)
	}
	if len(base.Names(workload.AddressType)) != 1000 || base.Get(workload.AddressType, "7").Version != "1" ||
		next.table().Get(workload.AddressType, "8") != nil || next.table().Get(workload.AddressType, "7").Version != "2" {
		t.Error("the base was modified, or the edit is lost")
	}
	if newEdit(base).table() != base {
		t.Error("nothing differs, and it is another table")
	}
}

func resource(version string) *envoy.Resource { return &envoy.Resource{Version: version} }
