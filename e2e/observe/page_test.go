package observe

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pageRow is one honoured row of docs/compatibility.md.
type pageRow struct {
	// name is KIND FIELD, seen what shows it: live, or a story.
	name, seen string
}

// honouredRows reads the page, by the contract that its generator gives: a heading
// of the second level is the kind, the first cell the field, the second its status,
// the last what shows it.
func honouredRows(t *testing.T) []pageRow {
	t.Helper()
	page, err := os.ReadFile("../../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	var out []pageRow
	kind := ""
	for line := range strings.Lines(string(page)) {
		line = strings.TrimSpace(line)
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			kind = heading
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) < 5 || !strings.HasPrefix(line, "| `") || strings.TrimSpace(cells[1]) != "honoured" {
			continue
		}
		out = append(out, pageRow{kind + " " + strings.Trim(cells[0], " `"), strings.TrimSpace(cells[len(cells)-1])})
	}
	if len(out) < 100 {
		t.Fatalf("the page has %d honoured rows: it is not read rightly", len(out))
	}
	return out
}

// checkRows demands an observation of every honoured row, or the story that it
// names, and a row for everything that is observed.
func checkRows(t *testing.T, all []Observation) {
	t.Helper()
	observed := map[string]bool{}
	names := map[string]bool{}
	for _, o := range all {
		if names[o.Name] {
			t.Errorf("two observations are named %s", o.Name)
		}
		names[o.Name] = true
		if o.With.Want == o.Without.Want {
			t.Errorf("%s: both sides expect %q: nothing differs", o.Name, o.With.Want)
		}
		for _, r := range o.Rows {
			observed[r] = true
		}
	}
	var rows []string
	for _, r := range honouredRows(t) {
		rows = append(rows, r.name)
		if r.seen == "live" {
			if !observed[r.name] {
				t.Errorf("%s is honoured, but no observation shows it", r.name)
			}
			continue
		}
		if _, err := os.Stat(filepath.Join("../../translate/testdata", r.seen+".txtar")); err != nil {
			t.Errorf("%s is honoured, but its story is not there: %v", r.name, err)
		}
	}
	for _, o := range all {
		for _, r := range o.Rows {
			if !slices.Contains(rows, r) {
				t.Errorf("%s observes %s, which is no honoured row of docs/compatibility.md", o.Name, r)
			}
		}
	}
}
