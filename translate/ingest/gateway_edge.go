package ingest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// edge is one Gateway at the edge while its listeners are made.
type edge struct {
	o        GatewayObjects
	all      []*edgeListener // as in spec.listeners
	problems []model.Problem
}

// edgeListener is one of spec.listeners.
type edgeListener struct {
	spec  *gatewayv1.Listener
	index int
	at    string // spec.listeners[i]
	host  string // lower case, "" for all
	// valid says that it can be served; routes attach to others as well.
	valid        bool
	kinds        []string // of the routes that may attach
	certificates []model.Credential
	attached     int
	claims       map[string][]claim // by domain
}

// edgeListeners are those of a Gateway at the edge that can be served, in the order of
// model.GatewayListener, and how many routes are attached to each that it names. What is
// wrong with one takes nothing from the others.
func edgeListeners(o GatewayObjects) ([]model.GatewayListener, map[string]int, []model.Problem) {
	e := &edge{o: o}
	for i := range o.Gateway.Spec.Listeners {
		e.all = append(e.all, e.listener(i))
	}
	e.conflicts()
	e.clientCertificates()
	e.problems = append(e.problems, notHonoured(o.Gateway)...)
	e.attach()
	attached := make(map[string]int, len(e.all))
	var out []model.GatewayListener
	for _, l := range e.all {
		attached[string(l.spec.Name)] = l.attached
		if l.valid {
			out = append(out, e.finish(l))
		}
	}
	slices.SortFunc(out, func(a, b model.GatewayListener) int {
		return cmp.Or(cmp.Compare(a.Port, b.Port), compareHosts(a.Hostname, b.Hostname), strings.Compare(a.Name, b.Name))
	})
	return out, attached, e.problems
}

// compareHosts puts the closer host name first: an exact one, then the longer wildcard,
// and last "" or "*".
func compareHosts(a, b string) int {
	class := func(host string) int {
		switch {
		case host == "" || host == "*":
			return 2
		case strings.HasPrefix(host, "*."):
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(class(a), class(b)), cmp.Compare(len(b), len(a)), strings.Compare(a, b))
}

func (e *edge) tell(s model.Severity, reason model.Reason, field, format string, args ...any) {
	e.problems = append(e.problems, model.Problem{
		Object: gatewayRef(e.o.Gateway), Field: field, Severity: s, Reason: reason, Message: fmt.Sprintf(format, args...),
	})
}

// refuse says why a listener is not served.
func (e *edge) refuse(l *edgeListener, reason model.Reason, field, format string, args ...any) {
	l.valid = false
	e.tell(model.Error, reason, l.at+field, format+"; the listener does not listen", args...)
}

// listener reads one of spec.listeners.
func (e *edge) listener(i int) *edgeListener {
	spec := &e.o.Gateway.Spec.Listeners[i]
	l := &edgeListener{
		spec: spec, index: i, at: fmt.Sprintf("spec.listeners[%d]", i), valid: true,
		host: strings.ToLower(string(ptr.Deref(spec.Hostname, ""))), claims: map[string][]claim{},
	}
	switch spec.Protocol {
	case gatewayv1.HTTPProtocolType:
	case gatewayv1.HTTPSProtocolType:
		e.terminates(l)
	default:
		e.refuse(l, model.UnsupportedProtocol, ".protocol", "protocol %s: a gateway at the edge serves HTTP and HTTPS", spec.Protocol)
		return l
	}
	e.routeKinds(l)
	return l
}

// routeKinds reads allowedRoutes.kinds; without any both kinds may attach.
func (e *edge) routeKinds(l *edgeListener) {
	if l.spec.AllowedRoutes == nil || len(l.spec.AllowedRoutes.Kinds) == 0 {
		l.kinds = []string{KindHTTPRoute, KindGRPCRoute}
		return
	}
	for j, k := range l.spec.AllowedRoutes.Kinds {
		known := k.Kind == KindHTTPRoute || k.Kind == KindGRPCRoute
		if !known || ptr.Deref(k.Group, gatewayv1.GroupName) != gatewayv1.GroupName {
			e.tell(model.Error, model.InvalidRouteKinds, fmt.Sprintf("%s.allowedRoutes.kinds[%d]", l.at, j),
				"%s: HTTPRoute and GRPCRoute can be attached to a listener of protocol %s", k.Kind, l.spec.Protocol)
			continue
		}
		l.kinds = append(l.kinds, string(k.Kind))
	}
}

func (l *edgeListener) https() bool { return l.spec.Protocol == gatewayv1.HTTPSProtocolType }

func (l *edgeListener) port() uint32 { return uint32(l.spec.Port) }

// served says that the listener is of a protocol that is served at all.
func (l *edgeListener) served() bool {
	return l.https() || l.spec.Protocol == gatewayv1.HTTPProtocolType
}

// conflicts are listeners that no request could be told apart by: none of them is
// served (GatewaySpec.listeners, "Handling indistinct Listeners").
func (e *edge) conflicts() {
	for _, l := range e.all {
		if !l.served() {
			continue
		}
		for _, o := range e.all {
			if o == l || !o.served() || o.port() != l.port() {
				continue
			}
			if o.https() != l.https() {
				e.refuse(l, model.ProtocolConflict, ".protocol", "port %d is of listener %q too, whose protocol is %s", l.port(), o.spec.Name, o.spec.Protocol)
				break
			}
			if o.host == l.host {
				e.refuse(l, model.HostnameConflict, ".hostname", "port %d and host name %q are of listener %q too", l.port(), l.host, o.spec.Name)
				break
			}
		}
	}
}

// finish is the listener with its virtual hosts. Each of its own host names that no route
// claims is one too, so that its requests do not go to a listener with a wider one.
func (e *edge) finish(l *edgeListener) model.GatewayListener {
	out := model.GatewayListener{
		Name: string(l.spec.Name), Index: l.index, Port: l.port(), Hostname: l.host,
		Certificates: l.certificates, AttachedRoutes: l.attached,
	}
	domains := []string{cmp.Or(l.host, "*")}
	for domain := range l.claims {
		domains = append(domains, domain)
	}
	slices.SortFunc(domains, compareHosts)
	for _, domain := range slices.Compact(domains) {
		if e.owner(l, domain) == l {
			out.Hosts = append(out.Hosts, model.GatewayHost{Domain: domain, Routes: l.routes(domain)})
		}
	}
	return out
}

// owner is the listener, of those that share the port, that has the requests of a
// domain: the one with the closest host name (listener isolation).
func (e *edge) owner(l *edgeListener, domain string) *edgeListener {
	best := l
	for _, o := range e.all {
		if o.valid && o.port() == l.port() && covers(o.host, domain) && compareHosts(o.host, best.host) < 0 {
			best = o
		}
	}
	return best
}

// covers says that a pattern, "" for all, takes every host of a domain.
func covers(pattern, domain string) bool {
	switch {
	case pattern == "" || pattern == domain:
		return true
	case strings.HasPrefix(pattern, "*."):
		return strings.HasSuffix(domain, pattern[1:])
	}
	return false
}

// commonHosts is what hosts a listener and a route have in common; "" is all hosts on both
// sides, "*" in the answer, and ok is false for none.
func commonHosts(listener, route string) (domain string, ok bool) {
	switch {
	case covers(listener, route) && route != "":
		return route, true
	case covers(route, listener):
		return cmp.Or(listener, "*"), true
	}
	return "", false
}
