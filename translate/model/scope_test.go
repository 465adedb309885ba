package model

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseScope(t *testing.T) {
	for _, tt := range []struct{ in, want, err string }{
		{"", "", ""},
		{"  ", "", ""},
		{"b/*,a/reviews", "a/reviews,b/*", ""},
		{" b/x , a/y ,b/x", "a/y,b/x", ""},
		{"a/x,a/*,a-b/y", "a-b/y,a/*", ""},
		{"a", "", `"a" is not NAMESPACE/* or NAMESPACE/NAME`},
		{"a/x,", "", `"" is not`},
		{"*/x", "", `"*/x" is not`},
		{"*/*", "", `"*/*" is not`},
		{"a/x/y", "", `"a/x/y" is not`},
		{"A/x", "", `"A/x" is not`},
		{"a/-x", "", `"a/-x" is not`},
		{"a/x*", "", `"a/x*" is not`},
	} {
		got, err := ParseScope(tt.in)
		if got != tt.want {
			t.Errorf("ParseScope(%q) = %q, want %q", tt.in, got, tt.want)
		}
		if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("ParseScope(%q): error %v, want %q", tt.in, err, tt.err)
		}
	}
}

func TestInScope(t *testing.T) {
	for _, tt := range []struct {
		scope, namespace, name string
		want                   bool
	}{
		{"", "a", "x", true},
		{"a/*", "a", "x", true},
		{"a/*", "b", "x", false},
		{"a/x,b/y", "b", "y", true},
		{"a/x,b/y", "a", "y", false},
		{"a/x", "a", "xx", false},
		{"a/x", "a", "*", false},
	} {
		if got := InScope(tt.scope, tt.namespace, tt.name); got != tt.want {
			t.Errorf("InScope(%q, %q, %q) = %v", tt.scope, tt.namespace, tt.name, got)
		}
	}
}

// The canonical form admits what the written form names, is its own canonical
// form, and does not depend on the order in which it was written.
func TestScopeIsCanonical(t *testing.T) {
	words := []string{"a", "b", "a-b", "c.d"}
	rapid.Check(t, func(t *rapid.T) {
		item := rapid.Custom(func(t *rapid.T) string {
			return rapid.SampledFrom(words).Draw(t, "ns") + "/" + rapid.SampledFrom(append(words, "*")).Draw(t, "name")
		})
		items := rapid.SliceOfN(item, 1, 6).Draw(t, "items")
		canonical, err := ParseScope(strings.Join(items, ","))
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseScope(canonical)
		if err != nil || again != canonical {
			t.Fatalf("%q becomes %q, %v", canonical, again, err)
		}
		shuffled, err := ParseScope(strings.Join(rapid.Permutation(items).Draw(t, "order"), " , "))
		if err != nil || shuffled != canonical {
			t.Fatalf("%q depends on the order: %q, %v", canonical, shuffled, err)
		}
		for _, ns := range words {
			for _, name := range words {
				if got, want := InScope(canonical, ns, name), InScope(strings.Join(items, ","), ns, name); got != want {
					t.Fatalf("InScope(%q, %q, %q) = %v, as written %v", canonical, ns, name, got, want)
				}
			}
		}
	})
}
