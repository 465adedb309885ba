package ingest

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// maxBackendWeight is the API's.
const maxBackendWeight = 1_000_000

// backends are those of a rule, in its order. One that cannot be followed keeps its
// weight, and its share answers 500.
func (t *ruleReader) backends(field string, refs []gatewayv1.HTTPBackendRef) []model.Backend {
	var out []model.Backend
	for i, ref := range refs {
		at := fmt.Sprintf("%s[%d]", field, i)
		b := model.Backend{To: t.target(at, ref.BackendObjectReference, "its share answers 500"), Weight: 1}
		if w := ref.Weight; w != nil {
			b.Weight = uint32(min(max(*w, 0), maxBackendWeight))
			if int64(b.Weight) != int64(*w) {
				t.unsupported(at+".weight", "%d is not in 0..%d: it counts as %d", *w, maxBackendWeight, b.Weight)
			}
		}
		if !t.backendFilters(&b, at+".filters", ref.Filters) {
			b.To.Broken = true
		}
		out = append(out, b)
	}
	return out
}

// backendFilters are those of one backend: changes of headers only. It is false if one
// of them cannot be served.
func (t *ruleReader) backendFilters(to *model.Backend, field string, filters []gatewayv1.HTTPRouteFilter) bool {
	const who = "the backend's share"
	ok := true
	for i, f := range filters {
		at := fmt.Sprintf("%s[%d]", field, i)
		switch {
		case f.Type == gatewayv1.HTTPRouteFilterRequestHeaderModifier && f.RequestHeaderModifier != nil:
			ok = t.headers(&to.Request, at+".requestHeaderModifier", f.RequestHeaderModifier, who) && ok
		case f.Type == gatewayv1.HTTPRouteFilterResponseHeaderModifier && f.ResponseHeaderModifier != nil:
			ok = t.headers(&to.Response, at+".responseHeaderModifier", f.ResponseHeaderModifier, who) && ok
		default:
			t.unsupported(at, "a filter %s of a single backend is not served: its share answers 500", f.Type)
			ok = false
		}
	}
	return ok
}

// target follows one reference; so is what comes of it where that cannot be done.
func (t *ruleReader) target(field string, ref gatewayv1.BackendObjectReference, so string) model.BackendTarget {
	tell := func(reason model.Reason, format string, args ...any) {
		t.tell(field, model.Warning, reason, "%s: %s", fmt.Sprintf(format, args...), so)
	}
	namespace, key, ok := BackendService(t.object.ref.Namespace, &ref)
	if !ok {
		tell(model.InvalidKind, "%s of group %q is no Service", ptr.Deref(ref.Kind, kindService), string(ptr.Deref(ref.Group, "")))
		return model.BackendTarget{Broken: true}
	}
	out := model.BackendTarget{Key: key, Port: uint32(max(ptr.Deref(ref.Port, 0), 0))}
	if namespace != t.object.ref.Namespace && !t.granted(namespace, string(ref.Name)) {
		tell(model.RefNotPermitted, "no ReferenceGrant of namespace %s lets a %s of %s name Service %s",
			namespace, t.object.ref.Kind, t.object.ref.Namespace, ref.Name)
		return model.BackendTarget{Key: out.Key, Port: out.Port, Broken: true}
	}
	svc := t.routing.Backends[out.Key]
	switch {
	case out.Port == 0 || out.Port > 65535:
		out.Broken = true
		tell(model.BackendNotFound, "it names no port of Service %s/%s", namespace, ref.Name)
	case svc == nil:
		tell(model.BackendNotFound, "there is no Service %s/%s", namespace, ref.Name)
	case !served(svc):
		tell(model.BackendNotFound, "Service %s/%s is not served: its label %s names another proxy", namespace, ref.Name, labelProxyName)
	default:
		t.portOf(&out, svc, tell)
	}
	return out
}

// portOf tells of a port that a Service has not, or that carries no TCP; a route for
// gRPC also of one that does not say that it speaks HTTP/2.
func (t *ruleReader) portOf(to *model.BackendTarget, svc *corev1.Service, tell func(model.Reason, string, ...any)) {
	for _, p := range tcpPorts(svc) {
		if uint32(p.Port) != to.Port {
			continue
		}
		if speaks := appProtocol(p); t.object.isGRPC() && speaks != model.ProtocolGRPC && speaks != model.ProtocolHTTP2 {
			t.problems = append(t.problems, model.Problem{
				Object: serviceRef(svc), Field: portField(svc, p), Severity: model.Info, Reason: model.UndeclaredProtocol,
				Message: fmt.Sprintf("%s sends gRPC to port %d, which is spoken to in HTTP/1.1: declare appProtocol grpc, or call the port grpc", t.object.ref, p.Port),
			})
		}
		return
	}
	for _, p := range svc.Spec.Ports {
		if uint32(p.Port) == to.Port {
			to.Broken = true
			tell(model.UnsupportedProtocol, "port %d of Service %s/%s is %s", to.Port, svc.Namespace, svc.Name, p.Protocol)
			return
		}
	}
	tell(model.BackendNotFound, "Service %s/%s has no port %d", svc.Namespace, svc.Name, to.Port)
}

func portField(svc *corev1.Service, port corev1.ServicePort) string {
	for i, p := range svc.Spec.Ports {
		if p.Port == port.Port && p.Name == port.Name && isTCP(p) {
			return fmt.Sprintf("spec.ports[%d]", i)
		}
	}
	return "spec.ports"
}

// granted says that a ReferenceGrant of a namespace lets the route name a Service there.
func (t *ruleReader) granted(namespace, name string) bool {
	return grants(t.routing.Grants, t.object.ref, model.ObjectRef{Kind: kindService, Namespace: namespace, Name: name}, "")
}

// grants says that a ReferenceGrant lets an object of the Gateway API name another, of
// a group, in another namespace.
func grants(all []*gatewayv1.ReferenceGrant, from, to model.ObjectRef, group gatewayv1.Group) bool {
	for _, g := range all {
		if g.Namespace != to.Namespace {
			continue
		}
		of, into := false, false
		for _, f := range g.Spec.From {
			of = of || f.Group == gatewayv1.GroupName && string(f.Kind) == from.Kind && string(f.Namespace) == from.Namespace
		}
		for _, t := range g.Spec.To {
			into = into || t.Group == group && string(t.Kind) == to.Kind && (t.Name == nil || *t.Name == "" || string(*t.Name) == to.Name)
		}
		if of && into {
			return true
		}
	}
	return false
}

// token says that a string is one of HTTP: a method, or the name of a header.
func token(s string) bool {
	if s == "" || len(s) > 256 {
		return false
	}
	for _, c := range s {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.ContainsRune("!#$%&'*+-.^_`|~", c):
		default:
			return false
		}
	}
	return true
}

// printable says that a string may stand in a header: no control characters.
func printable(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f || c == '\uFFFD' }) < 0
}
