package envoy

import (
	"regexp"
	"strings"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"

	"github.com/coastwise/coastwise/translate/model"
)

// rewrite changes the host and the path on the way to the backend.
func rewrite(to *routev3.RouteAction, r *model.Route) {
	if r.Rewrite == nil {
		return
	}
	if r.Rewrite.Host != "" {
		to.HostRewriteSpecifier = &routev3.RouteAction_HostRewriteLiteral{HostRewriteLiteral: r.Rewrite.Host}
	}
	to.PrefixRewrite, to.RegexRewrite = pathChange(r.Rewrite.Path, r.Match.Path.Value)
}

// pathChange is a prefix in place of the one that matched, or a pattern. Both are of
// whole elements, so a slash at the end of a prefix says nothing, and one that is left
// empty leaves a slash; Envoy puts strings together as they are.
func pathChange(c *model.PathChange, matched string) (prefix string, pattern *matcherv3.RegexMatchAndSubstitute) {
	if c == nil {
		return "", nil
	}
	if !c.Prefix {
		return "", substitute("^/.*$", c.Value)
	}
	with := strings.TrimRight(c.Value, "/")
	switch matched = strings.TrimRight(matched, "/"); {
	case with == "" && matched == "":
		return "", nil
	case with == "":
		return "", substitute("^"+regexp.QuoteMeta(matched)+"/?", "/")
	case matched == "":
		return with + "/", nil
	}
	return with, nil
}

// substitute puts a literal in place of what a pattern matches.
func substitute(pattern, with string) *matcherv3.RegexMatchAndSubstitute {
	return &matcherv3.RegexMatchAndSubstitute{Pattern: regex(pattern), Substitution: strings.ReplaceAll(with, `\`, `\\`)}
}

// The ports that go without saying.
var wellKnown = map[string]uint32{"http": 80, "https": 443}

// redirects answer with another place. A scheme brings its port: Envoy keeps the port
// of the request's host otherwise, so a host with one is a route of its own.
func redirects(base func() *routev3.Route, r *model.Route) []*routev3.Route {
	d := r.Redirect
	port := d.Port
	if port == wellKnown[d.Scheme] {
		port = 0
	}
	plain := redirect(base(), r, port)
	if d.Host != "" || d.Scheme == "" || port != 0 {
		return []*routev3.Route{plain}
	}
	named := redirect(base(), r, wellKnown[d.Scheme])
	named.Match.Headers = append(named.Match.Headers, headerMatch(":authority", &matcherv3.StringMatcher{
		MatchPattern: &matcherv3.StringMatcher_SafeRegex{SafeRegex: regex(`.*:\d+`)},
	}))
	return []*routev3.Route{named, plain}
}

func redirect(to *routev3.Route, r *model.Route, port uint32) *routev3.Route {
	d := r.Redirect
	out := &routev3.RedirectAction{HostRedirect: d.Host, PortRedirect: port, ResponseCode: redirectCode(d.Status)}
	if d.Scheme != "" {
		out.SchemeRewriteSpecifier = &routev3.RedirectAction_SchemeRedirect{SchemeRedirect: d.Scheme}
	}
	switch prefix, pattern := pathChange(d.Path, r.Match.Path.Value); {
	case d.Path != nil && !d.Path.Prefix:
		out.PathRewriteSpecifier = &routev3.RedirectAction_PathRedirect{PathRedirect: d.Path.Value}
	case pattern != nil:
		out.PathRewriteSpecifier = &routev3.RedirectAction_RegexRewrite{RegexRewrite: pattern}
	case prefix != "":
		out.PathRewriteSpecifier = &routev3.RedirectAction_PrefixRewrite{PrefixRewrite: prefix}
	}
	to.Action = &routev3.Route_Redirect{Redirect: out}
	return to
}

// redirectCode is 302 where the status is none of a redirect.
func redirectCode(status uint32) routev3.RedirectAction_RedirectResponseCode {
	switch status {
	case 301:
		return routev3.RedirectAction_MOVED_PERMANENTLY
	case 303:
		return routev3.RedirectAction_SEE_OTHER
	case 307:
		return routev3.RedirectAction_TEMPORARY_REDIRECT
	case 308:
		return routev3.RedirectAction_PERMANENT_REDIRECT
	}
	return routev3.RedirectAction_FOUND
}
