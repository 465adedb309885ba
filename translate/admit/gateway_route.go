package admit

import (
	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// The CRDs' limits on a route.
const (
	maxParents      = 32
	maxHostnames    = 16
	maxRules        = 16
	maxMatches      = 64  // of a rule
	maxAllMatches   = 128 // of a route
	maxFilters      = 16
	maxBackends     = 16
	maxComparisons  = 16
	maxHeaders      = 16
	maxShare        = 1_000_000
	serviceKindWord = "Service"
)

// parents may name one object several times only by different sections or ports.
func (r *report) parents(p path, refs []gatewayv1.ParentReference) {
	type object struct{ group, kind, namespace, name string }
	type place struct {
		object
		section string
		port    int32
	}
	seen, whole := map[object]bool{}, map[object]bool{}
	places := map[place]bool{}
	if !r.list(p, len(refs), 0, maxParents) {
		return
	}
	for i := range refs {
		ref, at := &refs[i], p.index(i)
		r.parent(at, ref)
		o := object{string(*ref.Group), string(*ref.Kind), string(ptr.Deref(ref.Namespace, "")), string(ref.Name)}
		here := place{o, string(ptr.Deref(ref.SectionName, "")), ptr.Deref(ref.Port, 0)}
		all := here.section == "" && here.port == 0
		if places[here] || seen[o] && (all || whole[o]) {
			r.invalid(at, "an earlier entry names the same parent; give each another sectionName or port")
		}
		places[here], seen[o], whole[o] = true, true, whole[o] || all
	}
}

func (r *report) parent(p path, ref *gatewayv1.ParentReference) {
	r.group(p.child("group"), ref.Group)
	wordPointer(r, p.child("kind"), ref.Kind, aKind)
	r.word(p.child("name"), string(ref.Name), aName)
	wordPointer(r, p.child("namespace"), ref.Namespace, aNamespace)
	wordPointer(r, p.child("sectionName"), ref.SectionName, aSection)
	between(r, p.child("port"), ref.Port, 1, 65535)
	if *ref.Kind == serviceKindWord && *ref.Group == gatewayv1.GroupName {
		r.add(model.Warning, model.InvalidKind, p.child("group"),
			"%s has no kind Service, so the route has no effect there; write group: \"\"", *ref.Group)
	}
}

// common checks what routes of all kinds have.
func (r *report) common(p path, c *gatewayv1.CommonRouteSpec, hostnames []gatewayv1.Hostname) {
	r.parents(p.child("parentRefs"), c.ParentRefs)
	r.oneOf(p.child("useDefaultGateways"), string(c.UseDefaultGateways), "All", "None")
	each(r, p.child("hostnames"), hostnames, 0, maxHostnames, func(at path, h *gatewayv1.Hostname) {
		r.word(at, string(*h), aHost)
	})
}

// totalMatches bounds those of all rules.
func (r *report) totalMatches(p path, n int) {
	if n > maxAllMatches {
		r.invalid(p, "has %d matches in all; at most %d", n, maxAllMatches)
	}
}

func (r *report) backendRef(p path, ref *gatewayv1.BackendObjectReference) {
	r.group(p.child("group"), ref.Group)
	wordPointer(r, p.child("kind"), ref.Kind, aKind)
	r.word(p.child("name"), string(ref.Name), aName)
	wordPointer(r, p.child("namespace"), ref.Namespace, aNamespace)
	between(r, p.child("port"), ref.Port, 1, 65535)
	if ref.Port == nil && *ref.Group == "" && *ref.Kind == serviceKindWord {
		r.invalid(p.child("port"), "is missing; a Service needs one")
	}
}

func (r *report) weighted(p path, ref *gatewayv1.BackendRef) {
	r.backendRef(p, &ref.BackendObjectReference)
	between(r, p.child("weight"), ref.Weight, 0, maxShare)
}

// session checks what the CRDs check, whoever honours it.
func (r *report) session(p path, s *gatewayv1.SessionPersistence) {
	if s == nil {
		return
	}
	if s.SessionName != nil {
		r.length(p.child("sessionName"), *s.SessionName, 128)
	}
	r.gatewayDuration(p.child("absoluteTimeout"), s.AbsoluteTimeout)
	r.oneOfPointer(p.child("type"), (*string)(s.Type), "Cookie", "Header")
	if c := s.CookieConfig; c != nil {
		at := p.child("cookieConfig")
		r.oneOfPointer(at.child("lifetimeType"), (*string)(c.LifetimeType), "Permanent", "Session")
		if *c.LifetimeType == gatewayv1.PermanentCookieLifetimeType && s.AbsoluteTimeout == nil {
			r.invalid(p.child("absoluteTimeout"), "is missing; a cookie of lifetimeType Permanent needs it")
		}
		if *s.Type != gatewayv1.CookieBasedSessionPersistence {
			r.invalid(at, "not with type %s", *s.Type)
		}
	}
}

// comparison checks one of a header or of a query parameter; no two have one name.
func (r *report) comparison(p path, kind *string, name, value string, of term, seen map[string]bool) {
	r.oneOfPointer(p.child("type"), kind, "Exact", "RegularExpression")
	r.word(p.child("name"), name, aHeader)
	r.word(p.child("value"), value, of)
	r.once(p.child("name"), seen, name)
}
