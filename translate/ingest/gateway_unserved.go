package ingest

import (
	"fmt"

	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// notHonoured tells of what a Gateway of either kind asks for and does not get.
func notHonoured(g *gatewayv1.Gateway) []model.Problem {
	var out []model.Problem
	tell := func(reason model.Reason, field, format string, args ...any) {
		out = append(out, model.Problem{Object: gatewayRef(g), Field: field, Severity: model.Warning, Reason: reason, Message: fmt.Sprintf(format, args...)})
	}
	for i, a := range g.Spec.Addresses {
		if a.Value == "" && ptr.Deref(a.Type, gatewayv1.IPAddressType) == gatewayv1.IPAddressType {
			continue // any address will do
		}
		tell(model.UnsupportedAddress, fmt.Sprintf("spec.addresses[%d]", i),
			"%q: addresses are those of the Envoys that run the Gateway, and cannot be asked for", a.Value)
	}
	if a := g.Spec.AllowedListeners; a != nil && a.Namespaces != nil && ptr.Deref(a.Namespaces.From, gatewayv1.NamespacesFromNone) != gatewayv1.NamespacesFromNone {
		tell(model.NotHonoured, "spec.allowedListeners", "ListenerSets are not honoured yet")
	}
	if g.Spec.TLS != nil && g.Spec.TLS.Backend != nil {
		tell(model.NotHonoured, "spec.tls.backend",
			"the certificate that is shown to backends is that of a DestinationRule's tls; this one is not honoured yet")
	}
	if g.Spec.DefaultScope != "" && g.Spec.DefaultScope != gatewayv1.GatewayDefaultScopeNone {
		tell(model.NotHonoured, "spec.defaultScope", "routes must name the Gateway as a parent: a default one is not honoured yet")
	}
	if i := g.Spec.Infrastructure; i != nil {
		if i.ParametersRef != nil {
			tell(model.InvalidParameters, "spec.infrastructure.parametersRef", "%s %s: coastwise takes no parameters", i.ParametersRef.Kind, i.ParametersRef.Name)
		}
		if len(i.Labels)+len(i.Annotations) > 0 {
			tell(model.NotHonoured, "spec.infrastructure", "coastwise deploys nothing for a Gateway: label what you deploy")
		}
	}
	return out
}

// waypointNotHonoured tells of what the listener of a waypoint asks for and does not get.
func waypointNotHonoured(g *gatewayv1.Gateway) []model.Problem {
	out := notHonoured(g)
	tell := func(field, message string) {
		out = append(out, model.Problem{Object: gatewayRef(g), Field: field, Severity: model.Warning, Reason: model.NotHonoured, Message: message})
	}
	if g.Spec.TLS != nil && g.Spec.TLS.Frontend != nil {
		tell("spec.tls.frontend", "who may come to a waypoint is the mesh's authority, and its trust domain")
	}
	for i, l := range g.Spec.Listeners {
		at := fmt.Sprintf("spec.listeners[%d]", i)
		if ptr.Deref(l.Hostname, "") != "" {
			tell(at+".hostname", "a waypoint takes whatever is sent to the virtual IPs of its services")
		}
		if l.TLS != nil {
			tell(at+".tls", "the certificate of a waypoint is the one of its bootstrap")
		}
	}
	return out
}
