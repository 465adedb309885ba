package ingest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/coastwise/coastwise/translate/model"
)

// Of a GRPCRoute too what cannot be compared is left out, and its neighbours stay.
func TestGRPCMatchesRefused(t *testing.T) {
	for match, field := range map[string]string{
		`method: {type: RegularExpression, service: "(", method: m}`:                   "method.service",
		`method: {type: RegularExpression, service: s, method: "("}`:                   "method.method",
		`method: {type: Other, service: s, method: m}`:                                 "method.type",
		`method: {service: "a/b", method: m}`:                                          "method",
		`method: {service: s, method: m}, headers: [{name: a, value: x, type: Other}]`: "headers[0].type",
	} {
		s, problems := routed(t, grpcRoute(t, "r", `{rules: [{matches: [{`+match+`}, {method: {service: good, method: m}}], backendRefs: [{name: v1, port: 80}]}]}`))
		if p, _ := s.Port(80); len(p.Routes) != 1 || p.Routes[0].Match.Path.Value != "/good/m" {
			t.Errorf("%s: %+v", match, p.Routes)
		}
		expectTold(t, problems, "r spec.rules[0].matches[0]."+field+" warning UnsupportedValue", "v1 spec.ports[0] info UndeclaredProtocol")
	}
}

// Of equal matches the one that is written first is tried first, however many there are.
func TestMatchesOfOneRank(t *testing.T) {
	var matches, want []string
	for i := range 40 {
		matches = append(matches, fmt.Sprintf(`{headers: [{name: a, value: "%d"}]}`, 39-i))
		want = append(want, fmt.Sprintf("r/0 0:/ a=%d", 39-i))
	}
	s, _ := routed(t, httpRoute(t, "r", `{rules: [{matches: [`+strings.Join(matches, ", ")+`], backendRefs: [{name: v1, port: 80}]}]}`))
	if got := routesAt(s, 80); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestPrintable(t *testing.T) {
	for s, want := range map[string]bool{"": true, "a b": true, "é": true, "\x1f": false, "a\x7f": false, "\xff": false} {
		if printable(s) != want {
			t.Errorf("%q may stand in a header: %v", s, !want)
		}
	}
}

// What share of the requests a mirror gets; without any it is none.
func TestMirrorShares(t *testing.T) {
	for share, want := range map[string]string{
		``: "100/100", `, percent: 0`: "", `, percent: 1`: "1/100", `, fraction: {numerator: 1}`: "1/100", `, fraction: {numerator: 0, denominator: 3}`: "",
		`, fraction: {numerator: -1, denominator: 3}`: "", `, fraction: {numerator: 3, denominator: 3}`: "3/3", `, fraction: {numerator: 1, denominator: -3}`: "",
		`, fraction: {numerator: 0, denominator: 0}`: "", `, fraction: {numerator: 0, denominator: -1}`: "",
	} {
		got, _ := first(t, httpRoute(t, "r", `{rules: [{filters: [{type: RequestMirror, requestMirror: {backendRef: {name: v2, port: 80}`+share+`}}], backendRefs: [{name: v1, port: 80}]}]}`))
		var shares []string
		for _, m := range got.Mirrors {
			shares = append(shares, fmt.Sprintf("%d/%d", m.Numerator, m.Denominator))
		}
		if strings.Join(shares, " ") != want {
			t.Errorf("{%s}: %q, want %q", share, shares, want)
		}
	}
}

// The codes of failures are 400 to 599.
func TestRetryCodes(t *testing.T) {
	got, problems := first(t, httpRoute(t, "r", `{rules: [{retry: {codes: [399, 400, 599, 600]}, backendRefs: [{name: v1, port: 80}]}]}`))
	if !slices.Equal(got.Retry.Codes, []uint32{400, 599}) || len(problems) != 2 {
		t.Errorf("%+v %v", got.Retry, problems)
	}
	for i, at := range []string{"codes[0]", "codes[3]"} {
		if p := problems[i]; !strings.HasSuffix(p.Field, at) || p.Reason != model.UnsupportedValue {
			t.Errorf("%+v, not of %s", p, at)
		}
	}
}
