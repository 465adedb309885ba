package status

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// texts is a state as lines: ABOUT TYPE STATUS REASON: message, and what else it holds.
func texts(s state) string {
	var out []string
	for _, c := range s.said {
		about := c.about
		if about != "" {
			about += " "
		}
		out = append(out, fmt.Sprintf("%s%s %s %s: %s", about, c.Type, c.Status, c.Reason, strings.ReplaceAll(c.Message, "\n", " | ")))
	}
	if r, ok := s.rest.(gatewayRest); ok {
		for _, a := range r.Addresses {
			out = append(out, fmt.Sprintf("address %s %s", *a.Type, a.Value))
		}
	}
	return strings.Join(out, "\n")
}

var edge = model.GatewayName{Namespace: "shop", Name: "edge"}

// edgeGateway is a Gateway with listeners of NAME:PORT/PROTOCOL.
func edgeGateway(class string, listeners ...string) Object {
	g := &gatewayv1.Gateway{Spec: gatewayv1.GatewaySpec{GatewayClassName: gatewayv1.ObjectName(class)}}
	for _, l := range listeners {
		name, protocol, _ := strings.Cut(l, "/")
		g.Spec.Listeners = append(g.Spec.Listeners, gatewayv1.Listener{Name: gatewayv1.SectionName(name), Port: 80, Protocol: gatewayv1.ProtocolType(protocol)})
	}
	return Object{Ref: model.ObjectRef{Kind: KindGateway, Namespace: "shop", Name: "edge"}, UID: "g", Generation: 2, Acts: 2, Whole: g}
}

// actingEdge is what is made of a Gateway whose listeners of these names are valid.
func actingEdge(listeners ...string) map[model.GatewayName]*model.GatewayObject {
	out := &model.GatewayObject{GatewayName: edge, Kind: model.Gateway, Attached: map[string]int{"db": 1}, Addresses: []string{"10.0.0.9", "edge.shop.svc.cluster.local"}}
	for _, l := range listeners {
		out.Listeners = append(out.Listeners, model.GatewayListener{Name: l, AttachedRoutes: 3})
		out.Attached[l] = 3
	}
	return map[model.GatewayName]*model.GatewayObject{edge: out}
}

func actingWaypoint(addresses ...string) map[model.GatewayName]*model.GatewayObject {
	return map[model.GatewayName]*model.GatewayObject{edge: {
		GatewayName: edge, Kind: model.Waypoint, Addresses: addresses, Waypoint: model.WaypointListener{Name: "mesh", Port: model.PortPROXY, AttachedRoutes: 1},
	}}
}

func gatewayProblem(severity model.Severity, reason model.Reason, field string) model.Problem {
	return model.Problem{Object: model.ObjectRef{Kind: KindGateway, Namespace: "shop", Name: "edge"}, Field: field, Severity: severity, Reason: reason, Message: "it is so"}
}

// wished is what an object should say; it fails if its status is not ours.
func wished(t *testing.T, o Object, acting map[model.GatewayName]*model.GatewayObject, r Report) state {
	t.Helper()
	f := formOf(o, newMesh([]Object{o}, acting))
	if f == nil {
		t.Fatalf("the status of %s is not ours", o.Ref)
	}
	out := f.wish(f.stands(), r, noon)
	out.rest = f.rest(out)
	for _, c := range out.said {
		if c.ObservedGeneration != o.Generation || c.LastTransitionTime.IsZero() {
			t.Errorf("%s %s: observedGeneration %d, lastTransitionTime %s", c.about, c.Type, c.ObservedGeneration, c.LastTransitionTime)
		}
	}
	return out
}

func TestGateway(t *testing.T) {
	const (
		good     = "Accepted True Accepted: the Gateway is valid"
		resolved = " ResolvedRefs True ResolvedRefs: everything that it names exists"
		alone    = " Conflicted False NoConflicts: no other listener is in its way"
		where    = "address IPAddress 10.0.0.9\naddress Hostname edge.shop.svc.cluster.local"
		dead     = " Programmed False Invalid: the listener is not valid: see its other conditions"
		refused  = "Programmed False Invalid: the Gateway is not accepted: see Accepted"
	)
	sound := func(name, programmed string) []string {
		return []string{name + " Accepted True Accepted: the listener is valid", name + resolved, name + alone, name + " " + programmed}
	}
	two := model.Rollout{Proxies: 2, Programmed: 2}
	for name, tt := range map[string]struct {
		object Object
		acting map[model.GatewayName]*model.GatewayObject
		report Report
		want   [][]string
	}{
		"all proxies have it": {
			object: edgeGateway("coastwise", "http/HTTP"), acting: actingEdge("http"), report: Report{Rollout: two},
			want: [][]string{{good, "Programmed True Programmed: 2 of 2 proxies"}, sound("http", "Programmed True Programmed: 2 of 2 proxies"), {where}},
		},
		"no proxy runs it": {
			object: edgeGateway("coastwise", "http/HTTP"), acting: actingEdge("http"),
			want: [][]string{
				{good, "Programmed False Pending: no proxy runs it: start one with coastwise bootstrap --kind gateway --gateway shop/edge"},
				sound("http", "Programmed False Pending: no proxy runs it: start one with coastwise bootstrap --kind gateway --gateway shop/edge"),
			},
		},
		"a proxy is behind": {
			object: edgeGateway("coastwise", "http/HTTP"), acting: actingEdge("http"), report: Report{Rollout: model.Rollout{Proxies: 2, Programmed: 1}},
			want: [][]string{{good, "Programmed False Pending: 1 of 2 proxies"}, sound("http", "Programmed False Pending: 1 of 2 proxies")},
		},
		"a proxy refuses": {
			object: edgeGateway("coastwise", "http/HTTP"), acting: actingEdge("http"),
			report: Report{Rollout: model.Rollout{Proxies: 1, Refused: 1, Proxy: "shop/p", Resource: "gateway|80", Message: "no"}},
			want: [][]string{
				{good, "Programmed False ProxyRejected: 0 of 1 proxies, 1 refused | shop/p refused gateway|80: no"},
				sound("http", "Programmed False ProxyRejected: 0 of 1 proxies, 1 refused | shop/p refused gateway|80: no"),
			},
		},
		"a replica is not heard": {
			object: edgeGateway("coastwise", "http/HTTP"), acting: actingEdge("http"), report: Report{Rollout: two, Unheard: []string{"b"}},
			want: [][]string{
				{good, "Programmed Unknown Pending: 2 of 2 proxies; not heard: b"}, sound("http", "Programmed Unknown Pending: 2 of 2 proxies; not heard: b"),
			},
		},
		"one listener of two is not valid": {
			object: edgeGateway("coastwise", "http/HTTP", "db/TCP"), acting: actingEdge("http"),
			report: Report{Rollout: two, Problems: []model.Problem{gatewayProblem(model.Error, model.UnsupportedProtocol, "spec.listeners[1].protocol")}},
			want: [][]string{
				{"Accepted True ListenersNotValid: listener db: UnsupportedProtocol", "Programmed True Programmed: 2 of 2 proxies"},
				sound("http", "Programmed True Programmed: 2 of 2 proxies"),
				{"db Accepted False UnsupportedProtocol: spec.listeners[1].protocol: it is so", "db" + resolved, "db" + alone, "db" + dead},
				{where},
			},
		},
		"no listener is valid": {
			object: edgeGateway("coastwise-waypoint", "mesh/PROXY"), acting: actingWaypoint(),
			report: Report{Problems: []model.Problem{gatewayProblem(model.Error, model.PortUnavailable, "spec.listeners[0].port")}},
			want: [][]string{
				{"Accepted False ListenersNotValid: no listener is valid | listener mesh: PortUnavailable", refused},
				{"mesh Accepted False PortUnavailable: spec.listeners[0].port: it is so", "mesh" + resolved, "mesh" + alone, "mesh" + dead},
			},
		},
		"listeners are at odds": {
			object: edgeGateway("coastwise", "a/HTTP", "b/HTTP"), acting: actingEdge("a"),
			report: Report{Rollout: two, Problems: []model.Problem{gatewayProblem(model.Warning, model.Conflicted, "spec.listeners[1].hostname")}},
			want: [][]string{
				{"Accepted True ListenersNotValid: listener b: HostnameConflict", "Programmed True Programmed: 2 of 2 proxies"},
				sound("a", "Programmed True Programmed: 2 of 2 proxies"),
				{
					"b Accepted False HostnameConflict: spec.listeners[1].hostname: it is so", "b" + resolved,
					"b Conflicted True HostnameConflict: spec.listeners[1].hostname: it is so", "b" + dead,
				},
				{where},
			},
		},
		"a certificate is missing": {
			object: edgeGateway("coastwise", "https/HTTPS"), acting: actingEdge(),
			report: Report{Problems: []model.Problem{gatewayProblem(model.Error, model.InvalidCertificateRef, "spec.listeners[0].tls.certificateRefs[0]")}},
			want: [][]string{
				{"Accepted False ListenersNotValid: no listener is valid | listener https: InvalidCertificateRef", refused},
				{
					"https Accepted True Accepted: the listener is valid",
					"https ResolvedRefs False InvalidCertificateRef: spec.listeners[0].tls.certificateRefs[0]: it is so", "https" + alone, "https" + dead,
				},
			},
		},
		"a kind of route is unknown, the listener acts": {
			object: edgeGateway("coastwise", "http/HTTP"), acting: actingEdge("http"),
			report: Report{Rollout: two, Problems: []model.Problem{gatewayProblem(model.Warning, model.InvalidRouteKinds, "spec.listeners[0].allowedRoutes.kinds[1]")}},
			want: [][]string{
				{good, "Programmed True Programmed: 2 of 2 proxies"},
				{
					"http Accepted True Accepted: the listener is valid", "http ResolvedRefs False InvalidRouteKinds: spec.listeners[0].allowedRoutes.kinds[1]: it is so",
					"http" + alone, "http Programmed True Programmed: 2 of 2 proxies",
				},
				{where},
			},
		},
		"an address is wanted": {
			object: edgeGateway("coastwise", "http/HTTP"), acting: actingEdge("http"),
			report: Report{Rollout: two, Problems: []model.Problem{gatewayProblem(model.Error, model.Invalid, "spec.addresses[0]")}},
			want: [][]string{
				{"Accepted False UnsupportedAddress: spec.addresses[0]: it is so", refused}, sound("http", refused),
			},
		},
		"what has no effect accompanies": {
			object: edgeGateway("coastwise", "http/HTTP"), acting: actingEdge("http"),
			report: Report{Rollout: two, Problems: []model.Problem{
				gatewayProblem(model.Info, model.NoEffect, "spec.infrastructure.labels"), gatewayProblem(model.Warning, model.NotHonoured, "spec.listeners[0].tls.options"),
			}},
			want: [][]string{
				{"Accepted True Accepted: spec.infrastructure.labels: it is so", "Programmed True Programmed: 2 of 2 proxies"},
				{"http Accepted True Accepted: spec.listeners[0].tls.options: it is so", "http" + resolved, "http" + alone, "http Programmed True Programmed: 2 of 2 proxies"},
				{where},
			},
		},
		"a waypoint without an address": {
			object: edgeGateway("coastwise-waypoint", "mesh/PROXY"), acting: actingWaypoint(), report: Report{Rollout: two},
			want: [][]string{
				{good, "Programmed True Programmed: 2 of 2 proxies; it has no address: no Service is labelled gateway.networking.k8s.io/gateway-name=edge"},
				sound("mesh", "Programmed True Programmed: 2 of 2 proxies; it has no address: no Service is labelled gateway.networking.k8s.io/gateway-name=edge"),
			},
		},
		"it has not been read": {
			object: edgeGateway("coastwise", "http/HTTP"),
			want: [][]string{
				{"Accepted Unknown Pending: generation 2 has not been read yet", "Programmed Unknown Pending: generation 2 has not been read yet"},
				{"http Accepted Unknown Pending: generation 2 has not been read yet", "http" + resolved, "http" + alone, "http Programmed Unknown Pending: generation 2 has not been read yet"},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			tt.report.Seen = true
			got := wished(t, tt.object, tt.acting, tt.report)
			if want := strings.Join(slices.Concat(tt.want...), "\n"); texts(got) != want {
				t.Errorf("got\n%s\nwant\n%s", texts(got), want)
			}
		})
	}
}

func TestListenersSayWhatTheyTake(t *testing.T) {
	group := gatewayv1.Group(gatewayv1.GroupName)
	o := edgeGateway("coastwise", "http/HTTP", "grpc/HTTPS", "db/TCP")
	o.Whole.(*gatewayv1.Gateway).Spec.Listeners[1].AllowedRoutes = &gatewayv1.AllowedRoutes{Kinds: []gatewayv1.RouteGroupKind{{Kind: "TCPRoute"}, {Group: &group, Kind: "GRPCRoute"}}}
	rest := wished(t, o, actingEdge("http"), Report{}).rest.(gatewayRest)
	for name, want := range map[string]string{"http": "HTTPRoute GRPCRoute 3", "grpc": "GRPCRoute 0", "db": "1"} {
		var got []string
		for _, k := range rest.Listeners[name].SupportedKinds {
			got = append(got, string(k.Kind))
		}
		if s := strings.Join(append(got, fmt.Sprint(rest.Listeners[name].AttachedRoutes)), " "); s != want {
			t.Errorf("%s: got %s, want %s", name, s, want)
		}
	}
	waypoint := wished(t, edgeGateway("coastwise-waypoint", "mesh/HTTP"), actingWaypoint(), Report{}).rest.(gatewayRest)
	if l := waypoint.Listeners["mesh"]; len(l.SupportedKinds) != 0 || l.AttachedRoutes != 0 {
		t.Errorf("routes are attached to a waypoint: %+v", l)
	}
}

func gatewayClass(name, controller string) Object {
	return Object{
		Ref: model.ObjectRef{Kind: KindGatewayClass, Name: name}, Generation: 1, Acts: 1,
		Whole: &gatewayv1.GatewayClass{Spec: gatewayv1.GatewayClassSpec{ControllerName: gatewayv1.GatewayController(controller)}},
	}
}

func TestGatewayClass(t *testing.T) {
	c := gatewayClass("mine", model.GatewayController)
	if got := texts(wished(t, c, nil, Report{Seen: true})); got != "Accepted True Accepted: the class is known" {
		t.Error(got)
	}
	c.Whole.(*gatewayv1.GatewayClass).Spec.ParametersRef = &gatewayv1.ParametersReference{Name: "x"}
	if got := texts(wished(t, c, nil, Report{Seen: true})); got != "Accepted False InvalidParameters: spec.parametersRef: coastwise takes no parameters; remove it" {
		t.Error(got)
	}
}

// A class says what its Gateways can do, sorted as the API wants it; the waypoints' says
// nothing, since they are no ingress.
func TestGatewayClassFeatures(t *testing.T) {
	said := wished(t, gatewayClass("mine", model.GatewayController), nil, Report{Seen: true}).rest.([]gatewayv1.SupportedFeature)
	byName := func(a, b gatewayv1.SupportedFeature) int { return strings.Compare(string(a.Name), string(b.Name)) }
	if len(said) < 30 || len(said) > 64 || !slices.IsSortedFunc(said, byName) || len(slices.Compact(slices.Clone(said))) != len(said) {
		t.Errorf("%v", said)
	}
	if !slices.Contains(said, gatewayv1.SupportedFeature{Name: "HTTPRouteRequestMirror"}) || slices.Contains(said, gatewayv1.SupportedFeature{Name: "HTTPRouteCORS"}) {
		t.Errorf("%v", said)
	}
	if said := wished(t, gatewayClass(model.WaypointClass, model.GatewayController), nil, Report{Seen: true}).rest.([]gatewayv1.SupportedFeature); said != nil {
		t.Errorf("a waypoint: %v", said)
	}
	c := gatewayClass("mine", model.GatewayController)
	f := formOf(c, newMesh([]Object{c}, nil))
	wish := f.wish(f.stands(), Report{Seen: true}, noon)
	wish.rest = f.rest(wish)
	_, body := f.patch(wish)
	c.Whole.(*gatewayv1.GatewayClass).Status = body.(gatewayv1.GatewayClassStatus)
	if stands := f.stands(); !same(stands, wish) {
		t.Errorf("it would be written again: %+v, %+v", stands, wish)
	}
}

// Only what is of our controller is ours to write: the classes that are built in too,
// unless somebody else has one of that name.
func TestWhatIsOfOtherControllersIsLeftAlone(t *testing.T) {
	foreign := gatewayClass("coastwise", "example.net/other")
	mine := gatewayClass("mine", model.GatewayController)
	for name, tt := range map[string]struct {
		object  Object
		classes []Object
		ours    bool
	}{
		"a class of ours":                       {object: mine, ours: true},
		"a class of another":                    {object: foreign},
		"a built-in class":                      {object: edgeGateway("coastwise"), ours: true},
		"the waypoint class":                    {object: edgeGateway("coastwise-waypoint"), ours: true},
		"a built-in class that another defines": {object: edgeGateway("coastwise"), classes: []Object{foreign}},
		"a class by our controller":             {object: edgeGateway("mine"), classes: []Object{mine}, ours: true},
		"a class that is not there":             {object: edgeGateway("mine")},
		"Istio's kinds":                         {object: Object{Ref: model.ObjectRef{Kind: "DestinationRule.networking.istio.io"}}},
	} {
		if got := formOf(tt.object, newMesh(append(tt.classes, tt.object), nil)) != nil; got != tt.ours {
			t.Errorf("%s: ours %v", name, got)
		}
	}
}

// A Gateway whose proxies are behind for a moment keeps its addresses as it keeps
// Programmed.
func TestAddressesStandAsLongAsProgrammedDoes(t *testing.T) {
	o := edgeGateway("coastwise", "http/HTTP")
	f := formOf(o, newMesh([]Object{o}, actingEdge("http")))
	stand := f.wish(state{}, Report{Seen: true, Rollout: model.Rollout{Proxies: 1, Programmed: 1}}, noon)
	stand.rest = f.rest(stand)
	m := &memo{}
	look := func(programmed int, after time.Duration) state {
		wish := f.wish(stand, Report{Seen: true, Rollout: model.Rollout{Proxies: 1, Programmed: programmed}}, noon)
		m.settle(stand, wish, noon.Add(after))
		wish.rest = f.rest(wish)
		return wish
	}
	if got := look(0, 0); !same(stand, got) {
		t.Errorf("at once:\n%s", texts(got))
	}
	got := texts(look(0, settleTime))
	if strings.Contains(got, "address") || strings.Count(got, "Programmed False Pending: 0 of 1 proxies") != 2 {
		t.Errorf("after some time:\n%s", got)
	}
}
