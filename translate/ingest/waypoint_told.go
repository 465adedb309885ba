package ingest

import (
	"fmt"
	"slices"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// waypointTold is what a waypoint's Gateway asks for and does not get, and the routes
// that name it as a parent: what acts at a waypoint hangs on Services.
func waypointTold(o GatewayObjects) []model.Problem {
	g := o.Gateway
	var out []model.Problem
	tell := func(s model.Severity, r model.Reason, field, format string, args ...any) {
		out = append(out, model.Problem{Object: gatewayRef(g), Field: field, Severity: s, Reason: r, Message: fmt.Sprintf(format, args...)})
	}
	for _, label := range []string{waypointFor, waypointForIstio} {
		if what := g.Labels[label]; !slices.Contains([]string{"", "service", "workload", "all", "none"}, what) {
			tell(model.Warning, model.UnsupportedValue, "metadata.labels["+label+"]", "%q: want service, workload, all or none", what)
		}
	}
	out = append(out, waypointNotHonoured(g)...)
	return append(out, waypointRoutes(o)...)
}

// waypointRoutes tells the routes of a waypoint that they do nothing.
func waypointRoutes(o GatewayObjects) []model.Problem {
	var out []model.Problem
	for _, r := range routeObjects(o.Routing) {
		for i, p := range r.parents {
			if name, ok := ParentGateway(r.ref.Namespace, &p); ok && name == o.Name {
				out = append(out, r.problem(fmt.Sprintf("spec.parentRefs[%d]", i), model.Warning, model.NotAllowedByListeners,
					"the Gateway is a waypoint: routes have a Service as their parent, and act at its waypoint"))
			}
		}
	}
	return out
}

// waypointForServices is the label of a Gateway that says for what it is a waypoint, and
// whether that is services.
func waypointForServices(g *gatewayv1.Gateway) (label string, ok bool) {
	label = waypointFor
	what, set := g.Labels[label]
	if !set {
		label = waypointForIstio
		what = g.Labels[label]
	}
	return label, what == "" || what == "service" || what == "all"
}
