package envoy

import (
	"regexp"
	"strings"
	"testing"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"

	"github.com/coastwise/coastwise/translate/model"
)

// changed does what Envoy does with a prefix or pattern.
func changed(path, matched, prefix string, m *matcherv3.RegexMatchAndSubstitute) string {
	switch {
	case m != nil:
		return regexp.MustCompile(m.GetPattern().GetRegex()).ReplaceAllLiteralString(path, strings.ReplaceAll(m.GetSubstitution(), `\\`, `\`))
	case prefix != "":
		return prefix + strings.TrimPrefix(path, matched)
	}
	return path
}

// The table of the API (HTTPPathModifier.replacePrefixMatch), with the match as ingest
// gives it, and what it says of whole paths.
func TestPathChanges(t *testing.T) {
	for _, c := range []struct{ path, matched, with, want string }{
		{"/foo/bar", "/foo", "/xyz", "/xyz/bar"},
		{"/foo/bar", "/foo", "/xyz/", "/xyz/bar"},
		{"/foo", "/foo", "/xyz", "/xyz"},
		{"/foo/", "/foo", "/xyz", "/xyz/"},
		{"/foo/bar", "/foo", "", "/bar"},
		{"/foo/", "/foo", "", "/"},
		{"/foo", "/foo", "", "/"},
		{"/foo/", "/foo", "/", "/"},
		{"/foo", "/foo", "/", "/"},
		{"/foo/bar", "/foo", "/", "/bar"},
		{"/bar", "/", "/xyz", "/xyz/bar"},
		{"/", "/", "/xyz", "/xyz/"},
		{"/bar", "/", "", "/bar"},
		{"/a.b/c", "/a.b", "", "/c"},
	} {
		r := model.Route{
			Match:    model.RouteMatch{Path: model.PathMatch{Value: c.matched}},
			Rewrite:  &model.Rewrite{Path: &model.PathChange{Prefix: true, Value: c.with}},
			Backends: []model.Backend{to("v1", 1)},
		}
		a := listed(t, routedBy(r))[0].GetRoute()
		if got := changed(c.path, c.matched, a.GetPrefixRewrite(), a.GetRegexRewrite()); got != c.want {
			t.Errorf("%s with %s for %s: %s, want %s", c.path, c.with, c.matched, got, c.want)
		}
		r.Rewrite, r.Redirect = nil, &model.Redirect{Path: &model.PathChange{Prefix: true, Value: c.with}}
		d := listed(t, routedBy(r))[0].GetRedirect()
		if got := changed(c.path, c.matched, d.GetPrefixRewrite(), d.GetRegexRewrite()); got != c.want {
			t.Errorf("redirect of %s with %s for %s: %s, want %s", c.path, c.with, c.matched, got, c.want)
		}
	}
	whole := model.Route{Rewrite: &model.Rewrite{Host: "h", Path: &model.PathChange{Value: `/x\1`}}, Backends: []model.Backend{to("v1", 1)}}
	a := listed(t, routedBy(whole))[0].GetRoute()
	if got := changed("/a/b", "/", a.GetPrefixRewrite(), a.GetRegexRewrite()); got != `/x\1` || a.GetHostRewriteLiteral() != "h" {
		t.Errorf("%v", a)
	}
}

// A scheme brings its own port, whatever port the request's host has.
func TestRedirects(t *testing.T) {
	of := func(d model.Redirect) []*routev3.Route { return listed(t, routedBy(model.Route{Redirect: &d})) }
	split := of(model.Redirect{Scheme: "https", Status: 301})
	if len(split) != 2 || split[0].GetRedirect().GetPortRedirect() != 443 || split[0].GetMatch().GetHeaders()[0].GetName() != ":authority" ||
		split[1].GetRedirect().GetPortRedirect() != 0 || split[1].GetRedirect().GetSchemeRedirect() != "https" || len(split[1].GetMatch().GetHeaders()) != 0 {
		t.Errorf("%v", split)
	}
	if one := of(model.Redirect{Scheme: "https", Port: 443, Host: "h"}); len(one) != 1 || one[0].GetRedirect().GetPortRedirect() != 0 || one[0].GetRedirect().GetHostRedirect() != "h" {
		t.Errorf("%v", one)
	}
	if one := of(model.Redirect{Scheme: "https", Port: 8443}); len(one) != 1 || one[0].GetRedirect().GetPortRedirect() != 8443 {
		t.Errorf("%v", one)
	}
	if one := of(model.Redirect{Path: &model.PathChange{Value: "/p"}}); len(one) != 1 || one[0].GetRedirect().GetPathRedirect() != "/p" {
		t.Errorf("%v", one)
	}
	for status, want := range map[uint32]string{
		301: "MOVED_PERMANENTLY", 302: "FOUND", 303: "SEE_OTHER", 307: "TEMPORARY_REDIRECT", 308: "PERMANENT_REDIRECT",
	} {
		if got := of(model.Redirect{Host: "h", Status: status})[0].GetRedirect().GetResponseCode().String(); got != want {
			t.Errorf("%d: %s", status, got)
		}
	}
}
