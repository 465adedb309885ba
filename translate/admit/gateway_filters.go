package admit

import (
	"slices"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// part is one field of a filter, for the type of its name.
type part struct {
	kind, field string
	there       bool
}

// union checks that of a filter's fields that one is there which its type names.
func (r *report) union(p path, kind string, parts []part) {
	var kinds []string
	for _, f := range parts {
		kinds = append(kinds, f.kind)
	}
	if kind == "" {
		r.invalid(p.child("type"), "is missing; write the type of the filter")
		return
	}
	r.oneOf(p.child("type"), kind, kinds...)
	for _, f := range parts {
		switch {
		case f.there && f.kind != kind && slices.Contains(kinds, kind):
			r.invalid(p.child(f.field), "not with type %s; write type: %s", kind, f.kind)
		case !f.there && f.kind == kind:
			r.invalid(p.child(f.field), "is missing; type %s needs it", kind)
		}
	}
}

// httpFilters checks those of a rule or a backend; prefix says that the rule has one
// match, which is of a prefix.
func (r *report) httpFilters(p path, filters []gatewayv1.HTTPRouteFilter, prefix bool) {
	var kinds []string
	each(r, p, filters, 0, maxFilters, func(at path, f *gatewayv1.HTTPRouteFilter) {
		r.httpFilter(at, f, prefix)
		kinds = append(kinds, string(f.Type))
	})
	r.repeated(p, kinds, "CORS", "RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite")
	if slices.Contains(kinds, "RequestRedirect") && slices.Contains(kinds, "URLRewrite") {
		r.invalid(p, "RequestRedirect and URLRewrite exclude each other")
	}
}

// repeated checks that none of some types of filter stands twice.
func (r *report) repeated(p path, kinds []string, once ...string) {
	for i, kind := range kinds {
		if slices.Contains(once, kind) && slices.Index(kinds, kind) < i {
			r.invalid(p.index(i).child("type"), "%q stands twice; it is already entry %d", kind, slices.Index(kinds, kind))
		}
	}
}

func (r *report) httpFilter(p path, f *gatewayv1.HTTPRouteFilter, prefix bool) {
	r.union(p, string(f.Type), []part{
		{"RequestHeaderModifier", "requestHeaderModifier", f.RequestHeaderModifier != nil},
		{"ResponseHeaderModifier", "responseHeaderModifier", f.ResponseHeaderModifier != nil},
		{"RequestMirror", "requestMirror", f.RequestMirror != nil},
		{"RequestRedirect", "requestRedirect", f.RequestRedirect != nil},
		{"URLRewrite", "urlRewrite", f.URLRewrite != nil},
		{"ExtensionRef", "extensionRef", f.ExtensionRef != nil},
		{"CORS", "cors", f.CORS != nil},
		{"ExternalAuth", "externalAuth", f.ExternalAuth != nil},
	})
	r.headerFilter(p.child("requestHeaderModifier"), f.RequestHeaderModifier)
	r.headerFilter(p.child("responseHeaderModifier"), f.ResponseHeaderModifier)
	r.mirror(p.child("requestMirror"), f.RequestMirror)
	r.extension(p.child("extensionRef"), f.ExtensionRef)
	if d := f.RequestRedirect; d != nil {
		at := p.child("requestRedirect")
		r.oneOfPointer(at.child("scheme"), d.Scheme, "http", "https")
		wordPointer(r, at.child("hostname"), d.Hostname, aPreciseOne)
		between(r, at.child("port"), d.Port, 1, 65535)
		if !slices.Contains([]int{301, 302, 303, 307, 308}, *d.StatusCode) {
			r.invalid(at.child("statusCode"), "%d is not allowed. Allowed: 301, 302, 303, 307, 308", *d.StatusCode)
		}
		r.pathModifier(at.child("path"), d.Path, prefix)
	}
	if w := f.URLRewrite; w != nil {
		wordPointer(r, p.child("urlRewrite", "hostname"), w.Hostname, aPreciseOne)
		r.pathModifier(p.child("urlRewrite", "path"), w.Path, prefix)
	}
}

func (r *report) pathModifier(p path, m *gatewayv1.HTTPPathModifier, prefix bool) {
	if m == nil {
		return
	}
	r.union(p, string(m.Type), []part{
		{"ReplaceFullPath", "replaceFullPath", m.ReplaceFullPath != nil},
		{"ReplacePrefixMatch", "replacePrefixMatch", m.ReplacePrefixMatch != nil},
	})
	for _, s := range []*string{m.ReplaceFullPath, m.ReplacePrefixMatch} {
		if s != nil {
			r.length(p, *s, aPath.most)
		}
	}
	if m.ReplacePrefixMatch != nil && !prefix {
		r.invalid(p.child("replacePrefixMatch"), "needs a rule with one match, whose path is of type PathPrefix")
	}
}

func (r *report) headerFilter(p path, f *gatewayv1.HTTPHeaderFilter) {
	if f == nil {
		return
	}
	for _, l := range []struct {
		name    string
		headers []gatewayv1.HTTPHeader
	}{{"set", f.Set}, {"add", f.Add}} {
		seen := map[string]bool{}
		each(r, p.child(l.name), l.headers, 0, maxHeaders, func(at path, h *gatewayv1.HTTPHeader) {
			r.word(at.child("name"), string(h.Name), aHeader)
			r.word(at.child("value"), h.Value, aValue)
			r.once(at.child("name"), seen, string(h.Name))
		})
	}
	if r.list(p.child("remove"), len(f.Remove), 0, maxHeaders) {
		r.unique(p.child("remove"), f.Remove)
	}
}

func (r *report) mirror(p path, m *gatewayv1.HTTPRequestMirrorFilter) {
	if m == nil {
		return
	}
	r.backendRef(p.child("backendRef"), &m.BackendRef)
	between(r, p.child("percent"), m.Percent, 0, 100)
	f, at := m.Fraction, p.child("fraction")
	if f == nil {
		return
	}
	if m.Percent != nil {
		r.invalid(at, "not together with percent")
	}
	if f.Numerator < 0 || *f.Denominator < 1 || f.Numerator > *f.Denominator {
		r.invalid(at, "%d/%d is not in 0..1", f.Numerator, *f.Denominator)
	}
}

func (r *report) extension(p path, ref *gatewayv1.LocalObjectReference) {
	if ref != nil {
		r.group(p.child("group"), &ref.Group)
		r.word(p.child("kind"), string(ref.Kind), aKind)
		r.word(p.child("name"), string(ref.Name), aName)
	}
}
