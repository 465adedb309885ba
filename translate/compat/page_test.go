package compat

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/compatibility.md")

// TestPage holds docs/compatibility.md against the table.
func TestPage(t *testing.T) {
	const path = "../../docs/compatibility.md"
	if *update {
		if err := os.WriteFile(path, []byte(Page()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Page(), string(got)); diff != "" {
		t.Errorf("docs/compatibility.md is stale: run make generate (-want +got):\n%s", diff)
	}
}

// TestRows holds what makes a row complete, and the page a table.
func TestRows(t *testing.T) {
	for _, s := range Table() {
		seen := map[string]bool{}
		for _, r := range s.Rows {
			name := s.Kind + " " + r.Name()
			if seen[r.Name()] {
				t.Errorf("%s stands twice", name)
			}
			seen[r.Name()] = true
			switch r.Status {
			case Honoured:
				if r.Becomes == "" {
					t.Errorf("%s is honoured, and becomes nothing", name)
				}
			case Refused, NotYet, NoEffect:
				if r.Notes == "" || r.Becomes != "" || r.Story != "" {
					t.Errorf("%s is %s: it needs a reason or effect, and becomes nothing", name, r.Status)
				}
			default:
				t.Errorf("%s has the status %q", name, r.Status)
			}
			if r.Story != "" {
				if _, err := os.Stat("../testdata/" + r.Story + ".txtar"); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			if strings.ContainsAny(r.line(true), "\n") || strings.Count(r.line(true), "|") != 7 {
				t.Errorf("%s would break the table", name)
			}
		}
	}
}
