package observe

import (
	"net/http"
	"strings"
)

// cookie is one thing of the cookie that Envoy makes, or "none".
func cookie(of func(*http.Cookie) string) func(*Site) (string, error) {
	return func(s *Site) (string, error) {
		for _, c := range (&http.Response{Header: s.ask(plain).Header}).Cookies() {
			if c.Name == "who" {
				return of(c), nil
			}
		}
		return "none", nil
	}
}

func hashed(by string) string { return "{loadBalancer: {consistentHash: {" + by + "}}}" }

func hashes() []Observation {
	const four = 4
	row := func(name string) []string {
		return policy("loadBalancer.consistentHash." + name)
	}
	keyed := func(name, row, by string, r Request) Observation {
		return Observation{
			Name: name, Rows: policy("loadBalancer.consistentHash." + row), Measure: spread(r),
			With:    Side{Policy: hashed(by), Endpoints: inFirstZone(four), Want: "one endpoint"},
			Without: Side{Endpoints: inFirstZone(four), Want: "several endpoints"},
		}
	}
	path := func(c *http.Cookie) string { return c.Path }
	age := func(c *http.Cookie) string { return c.Raw[strings.LastIndex(c.Raw, "Max-Age"):] }
	site := func(c *http.Cookie) string {
		if c.SameSite == http.SameSiteStrictMode {
			return "Strict"
		}
		return "none"
	}
	made := func(more string) string { return hashed("httpCookie: {name: who, ttl: 60s" + more + "}") }
	size := func(name, row, gaugeName, with, want, without, otherwise string) Observation {
		return Observation{
			Name: name, Rows: policy("loadBalancer.consistentHash." + row), Measure: gauge(gaugeName),
			With:    Side{Policy: hashed("httpHeaderName: x-user, " + with), Want: want},
			Without: Side{Policy: hashed("httpHeaderName: x-user, " + without), Want: otherwise},
		}
	}
	return []Observation{
		keyed("hash-header", "httpHeaderName", "httpHeaderName: x-user", Request{Headers: []string{"X-User: 7"}}),
		keyed("hash-query", "httpQueryParameterName", "httpQueryParameterName: user", Request{Path: "/?user=7"}),
		keyed("hash-cookie", "httpCookie.name", "httpCookie: {name: who}", Request{Headers: []string{"Cookie: a=b; who=7"}}),
		keyed("hash-source", "useSourceIp", "useSourceIp: true", plain),
		{
			Name: "cookie-name", Rows: row("httpCookie.name"), Measure: spread(Request{Headers: []string{"Cookie: who=7"}}),
			With:    Side{Policy: hashed("httpCookie: {name: who}"), Endpoints: inFirstZone(four), Want: "one endpoint"},
			Without: Side{Policy: hashed("httpCookie: {name: other}"), Endpoints: inFirstZone(four), Want: "several endpoints"},
		},
		{
			Name: "cookie-path", Rows: row("httpCookie.path"), Measure: cookie(path),
			With:    Side{Policy: made(", path: /shop"), Want: "/shop"},
			Without: Side{Policy: made(""), Want: ""},
		},
		{
			Name: "cookie-ttl", Rows: row("httpCookie.ttl"), Measure: cookie(age),
			With:    Side{Policy: made(""), Want: "Max-Age=60; HttpOnly"},
			Without: Side{Policy: hashed("httpCookie: {name: who}"), Want: "none"},
		},
		{
			Name: "cookie-session", Rows: row("httpCookie.ttl"), Measure: cookie(path),
			With:    Side{Policy: hashed("httpCookie: {name: who, path: /shop, ttl: 0s}"), Want: "/shop"},
			Without: Side{Policy: hashed("httpCookie: {name: who, path: /shop}"), Want: "none"},
		},
		{
			Name: "cookie-attributes", Rows: row("httpCookie.attributes[].name"), Measure: cookie(site),
			With:    Side{Policy: made(", attributes: [{name: SameSite, value: Strict}]"), Want: "Strict"},
			Without: Side{Policy: made(""), Want: "none"},
		},
		{
			Name: "cookie-attribute", Rows: policy("loadBalancer.consistentHash.httpCookie.attributes[].name", "loadBalancer.consistentHash.httpCookie.attributes[].value"), Measure: cookie(site),
			With:    Side{Policy: made(", attributes: [{name: SameSite, value: Strict}]"), Want: "Strict"},
			Without: Side{Policy: made(", attributes: [{name: Domain, value: shop.example}]"), Want: "none"},
		},
		size("ring", "ringHash.minimumRingSize", "ring_hash_lb.size", "ringHash: {}", "1024", "maglev: {}", "none"),
		size("ring-size", "ringHash.minimumRingSize", "ring_hash_lb.size", "ringHash: {minimumRingSize: 8}", "8", "ringHash: {}", "1024"),
		size("ring-size-old", "minimumRingSize", "ring_hash_lb.size", "minimumRingSize: 8", "8", "ringHash: {}", "1024"),
		size("maglev", "maglev.tableSize", "maglev_lb.min_entries_per_host", "maglev: {}", "32768", "ringHash: {}", "none"),
		size("maglev-size", "maglev.tableSize", "maglev_lb.min_entries_per_host", "maglev: {tableSize: 11}", "5", "maglev: {}", "32768"),
	}
}
