package ingest

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// filters puts those of a rule into a route. It is false if one of them cannot be
// served, which is told: then the rule must not be served without it.
func (t *ruleReader) filters(to *model.Route, field string, filters []gatewayv1.HTTPRouteFilter, matches []rankedMatch) bool {
	ok := true
	for i, f := range filters {
		at, before := fmt.Sprintf("%s[%d]", field, i), len(t.problems)
		first := !slices.ContainsFunc(filters[:i], func(g gatewayv1.HTTPRouteFilter) bool { return g.Type == f.Type })
		switch {
		case !first && f.Type != gatewayv1.HTTPRouteFilterRequestMirror:
			t.unsupported(at, "a second %s: the rule answers 500", f.Type)
			ok = false
		case !t.filter(to, at, f, matches):
			ok = false
		default:
			continue
		}
		t.lost(before)
	}
	if to.Redirect != nil && to.Rewrite != nil {
		t.tell(field, model.Error, model.UnsupportedValue, "RequestRedirect and URLRewrite of one rule exclude each other: the rule answers 500")
		return false
	}
	return ok
}

// filter puts one into a route.
func (t *ruleReader) filter(to *model.Route, field string, f gatewayv1.HTTPRouteFilter, matches []rankedMatch) bool {
	const rule = "the rule"
	switch {
	case f.Type == gatewayv1.HTTPRouteFilterRequestHeaderModifier && f.RequestHeaderModifier != nil:
		return t.headers(&to.Request, field+".requestHeaderModifier", f.RequestHeaderModifier, rule)
	case f.Type == gatewayv1.HTTPRouteFilterResponseHeaderModifier && f.ResponseHeaderModifier != nil:
		return t.headers(&to.Response, field+".responseHeaderModifier", f.ResponseHeaderModifier, rule)
	case f.Type == gatewayv1.HTTPRouteFilterRequestRedirect && f.RequestRedirect != nil && !t.object.isGRPC():
		return t.redirect(to, field+".requestRedirect", f.RequestRedirect, matches)
	case f.Type == gatewayv1.HTTPRouteFilterURLRewrite && f.URLRewrite != nil && !t.object.isGRPC():
		return t.rewrite(to, field+".urlRewrite", f.URLRewrite, matches)
	case f.Type == gatewayv1.HTTPRouteFilterRequestMirror && f.RequestMirror != nil:
		t.mirror(to, field+".requestMirror", f.RequestMirror)
		return true
	}
	t.unsupported(field, "a filter %s is not served: the rule answers 500", f.Type)
	return false
}

// headers reads a change of headers; who answers 500 where it cannot be made. What is
// removed as well as set or added is removed; of one name the first counts.
func (t *ruleReader) headers(to *model.HeaderChange, field string, f *gatewayv1.HTTPHeaderFilter, who string) bool {
	var out model.HeaderChange
	ok := true
	name := func(at, name string) string {
		name = strings.ToLower(name)
		if !token(name) || name == "host" {
			t.unsupported(at, "a filter cannot change the header %q: %s answers 500", name, who)
			ok = false
		}
		return name
	}
	for i, h := range f.Remove {
		out.Remove = append(out.Remove, name(fmt.Sprintf("%s.remove[%d]", field, i), h))
	}
	values := func(list string, headers []gatewayv1.HTTPHeader) (values []model.HeaderValue) {
		for i, h := range headers {
			at := fmt.Sprintf("%s.%s[%d]", field, list, i)
			v := model.HeaderValue{Name: name(at, string(h.Name)), Value: h.Value}
			switch {
			case v.Value == "" || !printable(v.Value):
				t.unsupported(at+".value", "%q is no value of a header: %s answers 500", v.Value, who)
				ok = false
			case slices.Contains(out.Remove, v.Name) || slices.ContainsFunc(values, func(w model.HeaderValue) bool { return w.Name == v.Name }):
			default:
				values = append(values, v)
			}
		}
		return values
	}
	out.Set, out.Add = values("set", f.Set), values("add", f.Add)
	*to = out
	return ok
}

// The statuses of a redirect.
var redirects = []int{301, 302, 303, 307, 308}

func (t *ruleReader) redirect(to *model.Route, field string, f *gatewayv1.HTTPRequestRedirectFilter, matches []rankedMatch) bool {
	out := &model.Redirect{
		Scheme: strings.ToLower(ptr.Deref(f.Scheme, "")), Host: string(ptr.Deref(f.Hostname, "")),
		Port: uint32(max(ptr.Deref(f.Port, 0), 0)), Status: uint32(max(ptr.Deref(f.StatusCode, 302), 0)),
	}
	ok := true
	if !slices.Contains(redirects, ptr.Deref(f.StatusCode, 302)) {
		t.unsupported(field+".statusCode", "%d is no status of a redirect %v: the rule answers 500", *f.StatusCode, redirects)
		ok = false
	}
	if out.Scheme != "" && out.Scheme != "http" && out.Scheme != "https" {
		t.unsupported(field+".scheme", "%q is neither http nor https: the rule answers 500", out.Scheme)
		ok = false
	}
	if out.Port > 65535 {
		t.unsupported(field+".port", "%d is not in 1..65535: the rule answers 500", out.Port)
		ok = false
	}
	path, served := t.pathChange(field+".path", f.Path, matches)
	out.Path, to.Redirect = path, out
	return t.hostname(field+".hostname", out.Host) && served && ok
}

func (t *ruleReader) rewrite(to *model.Route, field string, f *gatewayv1.HTTPURLRewriteFilter, matches []rankedMatch) bool {
	path, ok := t.pathChange(field+".path", f.Path, matches)
	to.Rewrite = &model.Rewrite{Host: string(ptr.Deref(f.Hostname, "")), Path: path}
	return t.hostname(field+".hostname", to.Rewrite.Host) && ok
}

// hostname takes "" too.
func (t *ruleReader) hostname(field, host string) bool {
	for _, c := range host {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-.", c) {
			t.unsupported(field, "%q is no host name: the rule answers 500", host)
			return false
		}
	}
	return true
}

// pathChange reads a modifier. A prefix can be replaced only where one matched.
func (t *ruleReader) pathChange(field string, m *gatewayv1.HTTPPathModifier, matches []rankedMatch) (*model.PathChange, bool) {
	if m == nil {
		return nil, true
	}
	out := &model.PathChange{}
	switch {
	case m.Type == gatewayv1.FullPathHTTPPathModifier && m.ReplaceFullPath != nil:
		out.Value = *m.ReplaceFullPath
	case m.Type == gatewayv1.PrefixMatchHTTPPathModifier && m.ReplacePrefixMatch != nil:
		out.Prefix, out.Value = true, *m.ReplacePrefixMatch
	default:
		t.unsupported(field, "a change %q without its value, or one that is not known: the rule answers 500", string(m.Type))
		return nil, false
	}
	if out.Prefix && slices.ContainsFunc(matches, func(m rankedMatch) bool { return m.Path.Kind != model.PathPrefix }) {
		t.unsupported(field+".type", "a match of the rule has no prefix that could be replaced: the rule answers 500")
		return nil, false
	}
	if !printable(out.Value) || strings.ContainsAny(out.Value, "?# ") || out.Value != "" && out.Value[0] != '/' || out.Value == "" && !out.Prefix {
		t.unsupported(field, "%q is no path: the rule answers 500", out.Value)
		return nil, false
	}
	return out, true
}

// mirror adds one, if it can be followed and takes anything.
func (t *ruleReader) mirror(to *model.Route, field string, f *gatewayv1.HTTPRequestMirrorFilter) {
	target := t.target(field+".backendRef", f.BackendRef, "requests are not mirrored")
	out := model.Mirror{To: target, Numerator: 100, Denominator: 100}
	switch {
	case f.Percent != nil && f.Fraction != nil:
		t.unsupported(field, "percent and fraction exclude each other: requests are not mirrored")
		return
	case f.Percent != nil:
		out.Numerator = uint32(max(*f.Percent, 0))
	case f.Fraction != nil:
		out.Numerator, out.Denominator = uint32(max(f.Fraction.Numerator, 0)), uint32(max(ptr.Deref(f.Fraction.Denominator, 100), 0))
	}
	if out.Numerator > out.Denominator || out.Denominator == 0 {
		t.unsupported(field, "%d of %d is no fraction of all requests: requests are not mirrored", out.Numerator, out.Denominator)
		return
	}
	if !target.Broken && out.Numerator > 0 {
		to.Mirrors = append(to.Mirrors, out)
	}
}
