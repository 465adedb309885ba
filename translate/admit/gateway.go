package admit

import (
	"net/netip"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// What is checked here is what the CRDs of the Gateway API check. What is valid, but
// done by nobody here, is told where it is known whose the object is: one of another
// controller's class is none of our business.

func (r *report) gatewayClass(c *gatewayv1.GatewayClass) {
	const p path = "spec"
	r.word(p.child("controllerName"), string(c.Spec.ControllerName), aController)
	if ref := c.Spec.ParametersRef; ref != nil {
		at := p.child("parametersRef")
		r.group(at.child("group"), &ref.Group)
		r.word(at.child("kind"), string(ref.Kind), aKind)
		r.word(at.child("name"), ref.Name, aName)
		wordPointer(r, at.child("namespace"), ref.Namespace, aNamespace)
	}
	if d := c.Spec.Description; d != nil {
		r.length(p.child("description"), *d, 64)
	}
}

func (r *report) referenceGrant(g *gatewayv1.ReferenceGrant) {
	const most = 16
	const p path = "spec"
	each(r, p.child("from"), g.Spec.From, 1, most, func(at path, f *gatewayv1.ReferenceGrantFrom) {
		r.group(at.child("group"), &f.Group)
		r.word(at.child("kind"), string(f.Kind), aKind)
		r.word(at.child("namespace"), string(f.Namespace), aNamespace)
	})
	each(r, p.child("to"), g.Spec.To, 1, most, func(at path, t *gatewayv1.ReferenceGrantTo) {
		r.group(at.child("group"), &t.Group)
		r.word(at.child("kind"), string(t.Kind), aKind)
		wordPointer(r, at.child("name"), t.Name, aName)
	})
}

// The CRDs' limits on a Gateway.
const (
	maxListeners    = 64
	maxAddressed    = 16
	maxRouteKinds   = 8
	maxCertificates = 64
)

func (r *report) gateway(g *gatewayv1.Gateway) {
	defaultGateway(g)
	const p path = "spec"
	r.word(p.child("gatewayClassName"), string(g.Spec.GatewayClassName), aName)
	if r.list(p.child("listeners"), len(g.Spec.Listeners), 1, maxListeners) {
		r.listeners(p.child("listeners"), g.Spec.Listeners)
	}
	each(r, p.child("addresses"), g.Spec.Addresses, 0, maxAddressed, r.gatewayAddress)
	if i := g.Spec.Infrastructure; i != nil {
		r.infrastructure(p.child("infrastructure"), i)
	}
	if a := g.Spec.AllowedListeners; a != nil {
		at := p.child("allowedListeners", "namespaces")
		r.oneOfPointer(at.child("from"), (*string)(a.Namespaces.From), "All", "Selector", "Same", "None")
		r.labelSelector(at.child("selector"), a.Namespaces.Selector)
	}
	if t := g.Spec.TLS; t != nil {
		r.gatewayTLS(p.child("tls"), t)
	}
	r.oneOf(p.child("defaultScope"), string(g.Spec.DefaultScope), "All", "None")
}

// listeners may not clash: by name, or by port, protocol and host name.
func (r *report) listeners(p path, all []gatewayv1.Listener) {
	type place struct {
		port           gatewayv1.PortNumber
		protocol, host string
	}
	names, places := map[string]bool{}, map[place]bool{}
	for i := range all {
		l, at := &all[i], p.index(i)
		r.listener(at, l)
		if l.Name != "" && names[string(l.Name)] {
			r.invalid(at.child("name"), "%q names an earlier listener", clip(string(l.Name)))
		}
		names[string(l.Name)] = true
		here := place{l.Port, string(l.Protocol), string(ptr.Deref(l.Hostname, "*"))}
		if l.Port != 0 && l.Protocol != "" && places[here] {
			r.invalid(at, "an earlier listener has its port, protocol and host name")
		}
		places[here] = true
	}
}

func (r *report) listener(p path, l *gatewayv1.Listener) {
	r.word(p.child("name"), string(l.Name), aSection)
	wordPointer(r, p.child("hostname"), l.Hostname, aHost)
	r.port(p.child("port"), l.Port)
	r.word(p.child("protocol"), string(l.Protocol), aProtocol)
	plain := l.Protocol == gatewayv1.TCPProtocolType || l.Protocol == gatewayv1.UDPProtocolType
	if plain && l.Hostname != nil && *l.Hostname != "" {
		r.invalid(p.child("hostname"), "not with protocol %s, which knows of none", l.Protocol)
	}
	switch {
	case l.TLS != nil && (plain || l.Protocol == gatewayv1.HTTPProtocolType):
		r.invalid(p.child("tls"), "not with protocol %s; write HTTPS or TLS", l.Protocol)
	case l.TLS == nil && l.Protocol == gatewayv1.TLSProtocolType:
		r.invalid(p.child("tls"), "is missing; protocol TLS needs it")
	case l.TLS != nil:
		r.listenerTLS(p.child("tls"), l.TLS, l.Protocol)
	}
	r.allowedRoutes(p.child("allowedRoutes"), l.AllowedRoutes)
}

func (r *report) listenerTLS(p path, t *gatewayv1.ListenerTLSConfig, protocol gatewayv1.ProtocolType) {
	r.oneOfPointer(p.child("mode"), (*string)(t.Mode), "Terminate", "Passthrough")
	if protocol == gatewayv1.HTTPSProtocolType && *t.Mode == gatewayv1.TLSModePassthrough {
		r.invalid(p.child("mode"), "not with protocol HTTPS, which the Gateway itself speaks; write Terminate, or protocol TLS")
	}
	if *t.Mode == gatewayv1.TLSModeTerminate && len(t.CertificateRefs)+len(t.Options) == 0 {
		r.invalid(p.child("certificateRefs"), "is missing; mode Terminate needs a certificate")
	}
	each(r, p.child("certificateRefs"), t.CertificateRefs, 0, maxCertificates, r.secretRef)
}

func (r *report) secretRef(p path, ref *gatewayv1.SecretObjectReference) {
	r.group(p.child("group"), ref.Group)
	wordPointer(r, p.child("kind"), ref.Kind, aKind)
	r.word(p.child("name"), string(ref.Name), aName)
	wordPointer(r, p.child("namespace"), ref.Namespace, aNamespace)
}

func (r *report) allowedRoutes(p path, a *gatewayv1.AllowedRoutes) {
	at := p.child("namespaces")
	r.oneOfPointer(at.child("from"), (*string)(a.Namespaces.From), "All", "Selector", "Same")
	r.labelSelector(at.child("selector"), a.Namespaces.Selector)
	each(r, p.child("kinds"), a.Kinds, 0, maxRouteKinds, func(at path, k *gatewayv1.RouteGroupKind) {
		r.group(at.child("group"), k.Group)
		r.word(at.child("kind"), string(k.Kind), aKind)
	})
}

// labelSelector is one of Kubernetes, which says itself what is wrong. An API server would
// take one that cannot be read.
func (r *report) labelSelector(p path, s *metav1.LabelSelector) {
	if s == nil {
		return
	}
	for _, err := range validation.ValidateLabelSelector(s, validation.LabelSelectorValidationOptions{}, field.NewPath(string(p))) {
		r.invalid(path(err.Field), "cannot select anything: %s", err.ErrorBody())
	}
}

func (r *report) gatewayAddress(p path, a *gatewayv1.GatewaySpecAddress) {
	wordPointer(r, p.child("type"), a.Type, anAddressType)
	r.length(p.child("value"), a.Value, 253)
	if a.Value == "" {
		return
	}
	switch *a.Type {
	case gatewayv1.IPAddressType:
		if _, err := netip.ParseAddr(a.Value); err != nil {
			r.invalid(p.child("value"), "%q is no IP address", clip(a.Value))
		}
	case gatewayv1.HostnameAddressType:
		r.word(p.child("value"), a.Value, aHost)
	}
}

func (r *report) infrastructure(p path, i *gatewayv1.GatewayInfrastructure) {
	labels := map[string]string{}
	for key, value := range i.Labels {
		labels[string(key)] = string(value)
	}
	r.labels(p.child("labels"), labels)
	if ref := i.ParametersRef; ref != nil {
		at := p.child("parametersRef")
		r.group(at.child("group"), &ref.Group)
		r.word(at.child("kind"), string(ref.Kind), aKind)
		r.word(at.child("name"), ref.Name, aName)
	}
}

func (r *report) gatewayTLS(p path, t *gatewayv1.GatewayTLSConfig) {
	if t.Backend != nil && t.Backend.ClientCertificateRef != nil {
		r.secretRef(p.child("backend", "clientCertificateRef"), t.Backend.ClientCertificateRef)
	}
	if t.Frontend == nil {
		return
	}
	r.frontendTLS(p.child("frontend", "default"), t.Frontend.Default)
	ports := map[gatewayv1.PortNumber]bool{}
	for i, each := range t.Frontend.PerPort {
		at := p.child("frontend", "perPort").index(i)
		r.port(at.child("port"), each.Port)
		if ports[each.Port] {
			r.invalid(at.child("port"), "%d stands twice", each.Port)
		}
		ports[each.Port] = true
		r.frontendTLS(at.child("tls"), each.TLS)
	}
}

func (r *report) frontendTLS(p path, t gatewayv1.TLSConfig) {
	if t.Validation == nil {
		return
	}
	at := p.child("validation")
	r.oneOf(at.child("mode"), string(t.Validation.Mode), "AllowValidOnly", "AllowInsecureFallback")
	each(r, at.child("caCertificateRefs"), t.Validation.CACertificateRefs, 1, 16, func(at path, ref *gatewayv1.ObjectReference) {
		r.group(at.child("group"), &ref.Group)
		r.word(at.child("kind"), string(ref.Kind), aKind)
		r.word(at.child("name"), string(ref.Name), aName)
		wordPointer(r, at.child("namespace"), ref.Namespace, aNamespace)
	})
}
