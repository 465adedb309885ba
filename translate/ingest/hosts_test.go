package ingest_test

import (
	"testing"

	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// Semantics 3: how a rule names its host.
func TestRuleKey(t *testing.T) {
	for _, c := range []struct {
		host     string
		want     model.Key
		wildcard bool
	}{
		{"reviews", model.ServiceKey("ns", "reviews"), false},
		{"Reviews.Shop", model.ServiceKey("shop", "reviews"), false},
		{"reviews.shop.svc", model.ServiceKey("shop", "reviews"), false},
		{"reviews.shop.svc.cluster.local", model.ServiceKey("shop", "reviews"), false},
		{"reviews.shop.svc.cluster", model.Key{Host: "reviews.shop.svc.cluster"}, false},
		{"www.example.com", model.Key{Host: "www.example.com"}, false},
		{"svc.cluster.local", model.Key{Host: "svc.cluster.local"}, false},
		{"*", model.Key{}, true},
		{"*.shop.svc.cluster.local", model.Key{}, true},
	} {
		got, wildcard := ingest.RuleKey("ns", c.host)
		if got != c.want || wildcard != c.wildcard {
			t.Errorf("%s: %v %v, want %v %v", c.host, got, wildcard, c.want, c.wildcard)
		}
	}
}

func TestHostMatches(t *testing.T) {
	for _, c := range []struct {
		pattern string
		want    bool
	}{
		{"reviews.shop.svc.cluster.local", true},
		{"REVIEWS.shop.svc.cluster.local", true},
		{"*", true},
		{"*.shop.svc.cluster.local", true},
		{"*.svc.cluster.local", true},
		{"*.shop", true},
		{"*.shop.svc", true},
		{"*.local", true},
		{"*.other.svc.cluster.local", false},
		{"*.other", false},
		{"*.hop.svc.cluster.local", false},
		{"*.reviews.shop.svc.cluster.local", false},
		{"reviews.shop", false},
		{"*shop.svc.cluster.local", false},
		{"*.", false},
		{"", false},
	} {
		if got := ingest.HostMatches(c.pattern, "reviews.shop.svc.cluster.local"); got != c.want {
			t.Errorf("%q: %v, want %v", c.pattern, got, c.want)
		}
	}
}
