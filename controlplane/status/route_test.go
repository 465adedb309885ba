package status

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// parentRef is KIND/NAME, of the route's namespace or as KIND/NAMESPACE/NAME.
func parentRef(s string) gatewayv1.ParentReference {
	words := strings.Split(s, "/")
	ref := gatewayv1.ParentReference{Name: gatewayv1.ObjectName(words[len(words)-1])}
	if words[0] == "Service" {
		group, kind := gatewayv1.Group(""), gatewayv1.Kind("Service")
		ref.Group, ref.Kind = &group, &kind
	}
	if len(words) == 3 {
		ns := gatewayv1.Namespace(words[1])
		ref.Namespace = &ns
	}
	return ref
}

// httpRoute has three rules, and these parents.
func httpRoute(parents ...string) Object {
	r := &gatewayv1.HTTPRoute{Spec: gatewayv1.HTTPRouteSpec{Rules: make([]gatewayv1.HTTPRouteRule, 3)}}
	for _, p := range parents {
		r.Spec.ParentRefs = append(r.Spec.ParentRefs, parentRef(p))
	}
	return Object{Ref: model.ObjectRef{Kind: KindHTTPRoute, Namespace: "shop", Name: "reviews"}, UID: "r", Generation: 4, Acts: 4, Whole: r}
}

func routeProblem(severity model.Severity, reason model.Reason, field string) model.Problem {
	return model.Problem{Object: httpRoute().Ref, Field: field, Severity: severity, Reason: reason, Message: "it is so"}
}

const reviewsParent = "/Service/shop/reviews//0"

func TestRoute(t *testing.T) {
	const (
		good     = "Accepted True Accepted: the route is valid"
		resolved = "ResolvedRefs True ResolvedRefs: everything that it names exists"
		free     = RouteProgrammed + " True Programmed: no proxy holds it"
		refused  = RouteProgrammed + " False Pending: it is not accepted: see Accepted"
	)
	two := model.Rollout{Proxies: 2, Programmed: 2}
	for name, tt := range map[string]struct {
		parents []string
		unread  bool
		report  Report
		want    []string // of the first parent unless they name one
	}{
		"at a Service": {report: Report{Rollout: two}, want: []string{good, resolved, RouteProgrammed + " True Programmed: 2 of 2 proxies"}},
		"no proxy yet": {want: []string{good, resolved, free}},
		"a proxy is behind": {
			report: Report{Rollout: model.Rollout{Proxies: 2, Programmed: 1}}, want: []string{good, resolved, RouteProgrammed + " False Pending: 1 of 2 proxies"},
		},
		"a proxy refuses": {
			report: Report{Rollout: model.Rollout{Proxies: 1, Refused: 1, Proxy: "p", Resource: "r", Message: "no"}},
			want:   []string{good, resolved, RouteProgrammed + " False ProxyRejected: 0 of 1 proxies, 1 refused | p refused r: no"},
		},
		"a backend is missing": {
			report: Report{Rollout: two, Problems: []model.Problem{
				routeProblem(model.Warning, model.BackendNotFound, "spec.rules[0].backendRefs[1]"),
				routeProblem(model.Warning, model.InvalidKind, "spec.rules[1].backendRefs[0]"),
			}},
			want: []string{
				good, "ResolvedRefs False InvalidKind: spec.rules[0].backendRefs[1]: it is so | spec.rules[1].backendRefs[0]: it is so",
				RouteProgrammed + " True Programmed: 2 of 2 proxies",
			},
		},
		"a backend is missing, as an error": {
			report: Report{Rollout: two, Problems: []model.Problem{routeProblem(model.Error, model.RefNotPermitted, "spec.rules[0].filters[0].requestMirror.backendRef")}},
			want: []string{
				good, "ResolvedRefs False RefNotPermitted: spec.rules[0].filters[0].requestMirror.backendRef: it is so",
				RouteProgrammed + " True Programmed: 2 of 2 proxies",
			},
		},
		"a rule is dropped": {
			report: Report{Rollout: two, Problems: []model.Problem{routeProblem(model.Error, model.Invalid, "spec.rules[2].filters[0]")}},
			want: []string{
				good, resolved, RouteProgrammed + " True Programmed: 2 of 2 proxies",
				"PartiallyInvalid True UnsupportedValue: Dropped Rule(s) 2: | spec.rules[2].filters[0]: it is so",
			},
		},
		"a part of one is": {
			report: Report{Rollout: two, Problems: []model.Problem{
				routeProblem(model.Warning, model.UnsupportedValue, "spec.rules[1].retry.attempts"), routeProblem(model.Error, model.Invalid, "spec.rules[2].filters[0]"),
			}},
			want: []string{
				good, resolved, RouteProgrammed + " True Programmed: 2 of 2 proxies",
				"PartiallyInvalid True UnsupportedValue: Dropped Rule(s) 2; Dropped Rule parts of 1: | spec.rules[2].filters[0]: it is so | spec.rules[1].retry.attempts: it is so",
			},
		},
		"all rules are": {
			report: Report{Problems: []model.Problem{
				routeProblem(model.Error, model.UnsupportedValue, "spec.rules[0].filters[0]"), routeProblem(model.Error, model.UnsupportedValue, "spec.rules[1].filters[0]"),
				routeProblem(model.Error, model.UnsupportedValue, "spec.rules[2].filters[0]"),
			}},
			want: []string{
				"Accepted False UnsupportedValue: spec.rules[0].filters[0]: it is so | spec.rules[1].filters[0]: it is so | spec.rules[2].filters[0]: it is so",
				resolved, refused,
			},
		},
		"what has no effect accompanies": {
			report: Report{Problems: []model.Problem{routeProblem(model.Info, model.NoEffect, "spec.hostnames"), routeProblem(model.Warning, model.NotHonoured, "spec.rules[0].name")}},
			want:   []string{"Accepted True Accepted: spec.hostnames: it is so | spec.rules[0].name: it is so", resolved, free},
		},
		"it has not been read": {
			unread: true,
			want: []string{
				"Accepted Unknown Pending: generation 4 has not been read yet", "ResolvedRefs Unknown Pending: generation 4 has not been read yet",
				RouteProgrammed + " False Pending: generation 4 does not act; generation 3 still does: no proxy holds it",
			},
		},
		"each parent for itself, foreign ones not": {
			parents: []string{"Service/reviews", "Service/other/reviews", "Gateway/foreign", "Gateway/edge", "Gateway/unknown"},
			report:  Report{Problems: []model.Problem{routeProblem(model.Warning, model.NoMatchingParent, "spec.parentRefs[1]"), routeProblem(model.Error, model.NotAllowedByListeners, "spec.parentRefs[3].sectionName")}},
			want: []string{
				good, resolved, free,
				"/Service/other/reviews//0 Accepted False NoMatchingParent: spec.parentRefs[1]: it is so", "/Service/other/reviews//0 " + resolved, "/Service/other/reviews//0 " + refused,
				"gateway.networking.k8s.io/Gateway/shop/edge//0 Accepted False NotAllowedByListeners: spec.parentRefs[3].sectionName: it is so",
				"gateway.networking.k8s.io/Gateway/shop/edge//0 " + resolved, "gateway.networking.k8s.io/Gateway/shop/edge//0 " + refused,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.parents == nil {
				tt.parents = []string{"Service/reviews"}
			}
			o := httpRoute(tt.parents...)
			if tt.unread {
				o.Acts = 3
			}
			foreign := edgeGateway("somebody-elses", "http/HTTP")
			foreign.Ref.Name = "foreign"
			f := formOf(o, newMesh([]Object{o, foreign, edgeGateway("coastwise", "http/HTTP")}, nil))
			tt.report.Seen = true
			got := f.wish(f.stands(), tt.report, noon)
			var want []string
			for _, w := range tt.want {
				if !strings.HasPrefix(w, "/") && !strings.HasPrefix(w, "gateway.") {
					w = reviewsParent + " " + w
				}
				want = append(want, w)
			}
			if texts(got) != strings.Join(want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", texts(got), strings.Join(want, "\n"))
			}
		})
	}
}

func TestAWaypointTakesNoRoutes(t *testing.T) {
	o := httpRoute("Gateway/edge")
	got := texts(wished(t, o, actingWaypoint(), Report{Seen: true}))
	if !strings.Contains(got, "Accepted False NotAllowedByListeners: spec.parentRefs[0]: the Gateway is a waypoint") {
		t.Errorf("got\n%s", got)
	}
}

func TestRoutesOfOthersAreLeftAlone(t *testing.T) {
	if formOf(httpRoute("Gateway/foreign"), mesh{}) != nil {
		t.Error("a route whose only parent is unknown")
	}
	o := httpRoute("Gateway/foreign")
	o.Whole.(*gatewayv1.HTTPRoute).Status.Parents = []gatewayv1.RouteParentStatus{{ParentRef: parentRef("Gateway/foreign"), ControllerName: "example.net/other"}}
	if formOf(o, mesh{}) != nil {
		t.Error("a route that has only another's entry")
	}
}

// What is sent keeps others' entries and conditions where they are, mends and adds
// ours, and has no entry of ours whose parent is gone.
func TestPatchOfParents(t *testing.T) {
	o := httpRoute("Service/reviews", "Service/ratings")
	theirs := gatewayv1.RouteParentStatus{ParentRef: parentRef("Gateway/foreign"), ControllerName: "example.net/other", Conditions: []metav1.Condition{{Type: Accepted, Message: "theirs"}}}
	same := gatewayv1.RouteParentStatus{ParentRef: parentRef("Service/ratings"), ControllerName: "example.net/other"}
	gone := gatewayv1.RouteParentStatus{ParentRef: parentRef("Service/gone"), ControllerName: model.GatewayController}
	ours := gatewayv1.RouteParentStatus{
		ParentRef: parentRef("Service/shop/ratings"), ControllerName: model.GatewayController, // its namespace is written, and the same
		Conditions: []metav1.Condition{{Type: "example.net/Audited"}, {Type: Accepted, Message: "old"}, {Type: PartiallyInvalid}},
	}
	o.Whole.(*gatewayv1.HTTPRoute).Status.Parents = []gatewayv1.RouteParentStatus{theirs, gone, ours, same}
	f := formOf(o, mesh{})
	s := f.wish(f.stands(), Report{Seen: true}, noon)
	s.rest = f.rest(s)
	if reasons := len(s.said); reasons != 6 || !grave(f.stands(), s) {
		t.Errorf("%d conditions", reasons)
	}
	how, body := f.patch(s)
	if how != "application/merge-patch+json" {
		t.Error(how)
	}
	var got struct{ Parents []gatewayv1.RouteParentStatus }
	text, err := json.Marshal(body)
	if err != nil || json.Unmarshal(text, &got) != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range got.Parents {
		names = append(names, string(p.ControllerName[:3])+" "+parentKey("shop", p.ParentRef))
	}
	if want := []string{
		"exa gateway.networking.k8s.io/Gateway/shop/foreign//0", "net /Service/shop/ratings//0", "exa /Service/shop/ratings//0", "net " + reviewsParent,
	}; !slices.Equal(names, want) {
		t.Errorf("got %q", names)
	}
	if c := got.Parents[0].Conditions; len(c) != 1 || c[0].Message != "theirs" {
		t.Errorf("another's conditions: %+v", c)
	}
	if c := got.Parents[1].Conditions; len(c) != 4 || find(c, Accepted).Message != "the route is valid" || find(c, "example.net/Audited") == nil || find(c, PartiallyInvalid) != nil {
		t.Errorf("ours: %+v", c)
	}
	if got.Parents[1].ParentRef.Namespace != nil {
		t.Error("the parentRef is not that of the spec")
	}
}

// What stands there is the same until an entry of ours is missing, too many, or says
// something else; what others say makes no difference.
func TestStandsCountsEntriesOfOurs(t *testing.T) {
	o := httpRoute("Service/reviews")
	r := o.Whole.(*gatewayv1.HTTPRoute)
	f := formOf(o, mesh{}).(route)
	wish := f.wish(f.stands(), Report{Seen: true}, noon)
	wish.rest = f.rest(wish)
	ours := gatewayv1.RouteParentStatus{ParentRef: r.Spec.ParentRefs[0], ControllerName: model.GatewayController, Conditions: wish.conditions(reviewsParent)}
	gone := ours
	gone.ParentRef = parentRef("Service/gone")
	partial := ours
	partial.Conditions = append(slices.Clone(ours.Conditions), metav1.Condition{Type: PartiallyInvalid, Status: metav1.ConditionTrue})
	theirs := gatewayv1.RouteParentStatus{ParentRef: parentRef("Gateway/x"), ControllerName: "example.net/other"}
	for name, tt := range map[string]struct {
		stand []gatewayv1.RouteParentStatus
		same  bool
	}{
		"nothing": {}, "ours": {[]gatewayv1.RouteParentStatus{ours}, true}, "beside another's": {[]gatewayv1.RouteParentStatus{theirs, ours}, true},
		"a stale one": {stand: []gatewayv1.RouteParentStatus{ours, gone}}, "twice": {stand: []gatewayv1.RouteParentStatus{ours, ours}},
		"a rule is not dropped any more": {stand: []gatewayv1.RouteParentStatus{partial}},
	} {
		f.stand = tt.stand
		if got := same(f.stands(), wish); got != tt.same {
			t.Errorf("%s: same is %v", name, got)
		}
	}
}
