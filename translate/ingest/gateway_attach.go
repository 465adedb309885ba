package ingest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// claim is what one route gives to a domain, by a host name of its own.
type claim struct {
	host  string // "" for all
	rules []rankedRoute
}

// attach gives every route to the listeners that take it (CommonRouteSpec.parentRefs),
// and tells of each reference that none takes.
func (e *edge) attach() {
	for _, r := range routeObjects(e.o.Routing) {
		taken := e.parents(r)
		rules, problems := translateRules(e.o.Routing, r)
		e.problems = append(e.problems, problems...)
		e.hidden(r)
		for _, l := range taken {
			l.attached++
			l.claim(r, rules)
		}
	}
}

// parents are the listeners that a route is attached to, each once.
func (e *edge) parents(r routeObject) []*edgeListener {
	var out []*edgeListener
	for i := range r.parents {
		name, ok := ParentGateway(r.ref.Namespace, &r.parents[i])
		if !ok || name != e.o.Name {
			continue
		}
		taken, reason, why := e.takers(r, &r.parents[i])
		if len(taken) == 0 {
			e.problems = append(e.problems, r.problem(fmt.Sprintf("spec.parentRefs[%d]", i), model.Warning, reason, why))
		}
		for _, l := range taken {
			if !slices.Contains(out, l) {
				out = append(out, l)
			}
		}
	}
	return out
}

// hidden tells of backends that the Gateway's namespace does not see (semantics 1.3): to
// its proxies they are not there.
func (e *edge) hidden(r routeObject) {
	for i, rule := range r.rules {
		for j := range rule.backends {
			in, key, ok := BackendService(r.ref.Namespace, &rule.backends[j].BackendObjectReference)
			s := e.o.Routing.Backends[key]
			if !ok || s == nil || in == e.o.Name.Namespace {
				continue
			}
			if to := exportTo(s); !slices.Contains(to, "*") && !slices.Contains(to, e.o.Name.Namespace) {
				e.problems = append(e.problems, r.problem(fmt.Sprintf("spec.rules[%d].backendRefs[%d]", i, j), model.Warning, model.BackendNotFound,
					fmt.Sprintf("Service %s/%s is not exported to namespace %s of Gateway %s: its share answers 500", s.Namespace, s.Name, e.o.Name.Namespace, e.o.Name)))
			}
		}
	}
}

// takers are the listeners that a reference of a route attaches it to; if there are
// none, reason and why say which step left none.
func (e *edge) takers(r routeObject, ref *gatewayv1.ParentReference) (left []*edgeListener, reason model.Reason, why string) {
	left = e.all
	for _, step := range []struct {
		reason model.Reason
		why    string
		keeps  func(*edgeListener) bool
	}{
		{model.NoMatchingParent, "Gateway %s has no listener of this sectionName and port", func(l *edgeListener) bool {
			return (ref.SectionName == nil || *ref.SectionName == l.spec.Name) && (ref.Port == nil || *ref.Port == l.spec.Port)
		}},
		{model.NotAllowedByListeners, "no listener of Gateway %s takes such a route of this namespace (allowedRoutes)", func(l *edgeListener) bool {
			return slices.Contains(l.kinds, r.ref.Kind) &&
				allowsNamespace(l.spec.AllowedRoutes, e.o.Gateway.Namespace, e.o.Routing.Namespaces[r.ref.Namespace], r.ref.Namespace)
		}},
		{model.NoMatchingListenerHostname, "no listener of Gateway %s has a host name in common with spec.hostnames", func(l *edgeListener) bool {
			return len(l.domains(r)) > 0
		}},
	} {
		var next []*edgeListener
		for _, l := range left {
			if step.keeps(l) {
				next = append(next, l)
			}
		}
		if left = next; len(left) == 0 {
			return nil, step.reason, fmt.Sprintf(step.why, e.o.Name)
		}
	}
	return left, "", ""
}

// domains are the hosts that listener and route have in common, each with the host name
// of the route that gives it.
func (l *edgeListener) domains(r routeObject) map[string]string {
	names := r.hostnames
	if len(names) == 0 {
		names = []gatewayv1.Hostname{""}
	}
	out := map[string]string{}
	for _, n := range names {
		name := strings.ToLower(string(n))
		domain, ok := commonHosts(l.host, name)
		if !ok {
			continue
		}
		if by, taken := out[domain]; !taken || compareHosts(name, by) < 0 {
			out[domain] = name
		}
	}
	return out
}

func (l *edgeListener) claim(r routeObject, rules []rankedRoute) {
	for domain, by := range l.domains(r) {
		l.claims[domain] = append(l.claims[domain], claim{by, rules})
	}
}

// routes are those of a domain: of the routes with the closest host name of their own
// first (HTTPRouteSpec.hostnames), and among those by the precedence of matches.
func (l *edgeListener) routes(domain string) []model.Route {
	claims := slices.Clone(l.claims[domain])
	slices.SortStableFunc(claims, func(a, b claim) int { return compareHosts(a.host, b.host) })
	var out []model.Route
	for len(claims) > 0 {
		n := 1
		for n < len(claims) && claims[n].host == claims[0].host {
			n++
		}
		var same []rankedRoute
		for _, c := range claims[:n] {
			same = append(same, c.rules...)
		}
		out = append(out, inOrder(same)...)
		claims = claims[n:]
	}
	for i := range out {
		if out[i].Redirect != nil {
			out[i].Redirect = l.redirect(*out[i].Redirect, domain)
		}
	}
	return out
}

// redirect is one with the scheme and port that the API wants where they are not written
// (HTTPRequestRedirectFilter.port): the listener's, or the port of the scheme that is. The
// host is said where it is known, since the request's may carry another port.
func (l *edgeListener) redirect(r model.Redirect, domain string) *model.Redirect {
	if r.Port == 0 {
		r.Port = map[string]uint32{"": l.port(), "http": 80, "https": 443}[r.Scheme]
	}
	if r.Scheme == "" {
		r.Scheme = "http"
		if l.https() {
			r.Scheme = "https"
		}
	}
	if !strings.HasPrefix(domain, "*") {
		r.Host = cmp.Or(r.Host, domain)
	}
	return &r
}
