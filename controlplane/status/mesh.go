package status

import (
	"fmt"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// The kinds of the Gateway API whose status we write.
const (
	KindGatewayClass = "GatewayClass"
	KindGateway      = "Gateway"
	KindHTTPRoute    = "HTTPRoute"
	KindGRPCRoute    = "GRPCRoute"
)

// mesh is what the statuses of the Gateway API's kinds hang on beside their own object.
type mesh struct {
	classes  map[string]*gatewayv1.GatewayClass
	gateways map[model.GatewayName]*gatewayv1.Gateway // as the API server has them
	acting   map[model.GatewayName]*model.GatewayObject
}

func newMesh(objects []Object, acting map[model.GatewayName]*model.GatewayObject) mesh {
	m := mesh{classes: map[string]*gatewayv1.GatewayClass{}, gateways: map[model.GatewayName]*gatewayv1.Gateway{}, acting: acting}
	for _, o := range objects {
		switch is := o.Whole.(type) {
		case *gatewayv1.GatewayClass:
			m.classes[o.Ref.Name] = is
		case *gatewayv1.Gateway:
			m.gateways[model.GatewayName{Namespace: o.Ref.Namespace, Name: o.Ref.Name}] = is
		}
	}
	return m
}

// ours says whether a class is of our controller. Two are built in, unless an object of
// that name says that it is somebody else's.
func (m mesh) ours(class gatewayv1.ObjectName) bool {
	if c := m.classes[string(class)]; c != nil {
		return c.Spec.ControllerName == model.GatewayController
	}
	return class == model.WaypointClass || class == model.EdgeClass
}

// runs says whether a Gateway is one that we have, from the API server or a file.
func (m mesh) runs(name model.GatewayName) bool {
	if g := m.gateways[name]; g != nil {
		return m.ours(g.Spec.GatewayClassName)
	}
	return m.acting[name] != nil
}

// form is the one of an object of the Gateway API; nil if it is another controller's.
func (m mesh) form(o Object) form {
	switch is := o.Whole.(type) {
	case *gatewayv1.GatewayClass:
		if is.Spec.ControllerName == model.GatewayController {
			return class{o, is}
		}
	case *gatewayv1.Gateway:
		if m.ours(is.Spec.GatewayClassName) {
			return gateway{o, is, m.acting[model.GatewayName{Namespace: o.Ref.Namespace, Name: o.Ref.Name}]}
		}
	case *gatewayv1.HTTPRoute:
		return m.route(o, "httproutes", is.Spec.ParentRefs, len(is.Spec.Rules), is.Status.Parents)
	case *gatewayv1.GRPCRoute:
		return m.route(o, "grpcroutes", is.Spec.ParentRefs, len(is.Spec.Rules), is.Status.Parents)
	}
	return nil
}

func gatewayResource(plural string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: gatewayv1.GroupName, Version: gatewayv1.GroupVersion.Version, Resource: plural}
}

// class is the form of a GatewayClass of our controller.
type class struct {
	Object
	is *gatewayv1.GatewayClass
}

func (class) resource() schema.GroupVersionResource { return gatewayResource("gatewayclasses") }

func (f class) stands() state {
	out := theirs(f.is.Status.Conditions, Accepted)
	out.rest = f.is.Status.SupportedFeatures
	return out
}

// theirs are those conditions of an object of the Gateway API that are ours.
func theirs(all []metav1.Condition, kinds ...string) state {
	var out state
	for _, kind := range kinds {
		if c := find(all, kind); c != nil {
			out.say("", *c)
		}
	}
	return out
}

func (f class) wish(was state, r Report, now metav1.Time) state {
	var bad, notes []model.Problem
	for _, p := range fromServer(r.Problems) {
		if p.Severity == model.Error {
			bad = append(bad, p)
		} else {
			notes = append(notes, p)
		}
	}
	c := accepted(notes, "the class is known")
	switch {
	case f.is.Spec.ParametersRef != nil:
		c = denied(Accepted, string(gatewayv1.GatewayClassReasonInvalidParameters), "spec.parametersRef: coastwise takes no parameters; remove it")
	case len(bad) > 0:
		c = denied(Accepted, string(gatewayv1.GatewayClassReasonUnsupported), list(bad))
	case f.Acts != f.Generation:
		c = unread(f.Object)
	}
	var out state
	out.say("", c)
	out.stamp(was, f.Generation, now)
	return out
}

// rest is what the Gateways of the class can do; of a waypoint's nothing is said, since it
// is no ingress.
func (f class) rest(state) any {
	if f.Ref.Name == model.WaypointClass {
		return []gatewayv1.SupportedFeature(nil)
	}
	return served()
}

func (class) patch(s state) (types.PatchType, any) {
	return types.ApplyPatchType, gatewayv1.GatewayClassStatus{Conditions: s.conditions(""), SupportedFeatures: s.rest.([]gatewayv1.SupportedFeature)}
}

// fromServer are the Problems of an object as the API server has it, sorted.
func fromServer(all []model.Problem) []model.Problem {
	var out []model.Problem
	for _, p := range all {
		if p.File == "" {
			out = append(out, p)
		}
	}
	return model.SortProblems(out)
}

// accepted is True, with what is told beside.
func accepted(notes []model.Problem, otherwise string) metav1.Condition {
	c := metav1.Condition{Type: Accepted, Status: metav1.ConditionTrue, Reason: Accepted, Message: list(notes)}
	if c.Message == "" {
		c.Message = otherwise
	}
	return c
}

func denied(kind, reason string, lines ...string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: metav1.ConditionFalse, Reason: reason, Message: join(lines...)}
}

// unread is what is said of a generation that the source has not brought yet.
func unread(o Object) metav1.Condition {
	return metav1.Condition{
		Type: Accepted, Status: metav1.ConditionUnknown, Reason: Pending, Message: fmt.Sprintf("generation %d has not been read yet", o.Generation),
	}
}

// indexed reads which element of a list a field names: spec.listeners[2].port is 2 of
// spec.listeners.
func indexed(field, list string) (int, bool) {
	rest, ok := strings.CutPrefix(field, list+"[")
	if !ok {
		return 0, false
	}
	number, _, ok := strings.Cut(rest, "]")
	i, err := strconv.Atoi(number)
	return i, ok && err == nil && i >= 0
}
