package observe

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pageRow is one row of docs/compatibility.md.
type pageRow struct {
	// seen is what shows it: live, or a story.
	status, seen string
}

// pageRows reads the page, by the contract that its generator gives: a heading of
// the second level is the kind, the first cell the field, the second its status, the
// last what shows it. The key is KIND FIELD.
func pageRows(t *testing.T) map[string]pageRow {
	t.Helper()
	page, err := os.ReadFile("../../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]pageRow{}
	kind := ""
	for line := range strings.Lines(string(page)) {
		line = strings.TrimSpace(line)
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			kind = heading
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) < 5 || !strings.HasPrefix(line, "| `") {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		out[kind+" "+strings.Trim(cells[0], "`")] = pageRow{cells[1], cells[len(cells)-1]}
	}
	if len(out) < 100 {
		t.Fatalf("the page has %d rows: it is not read rightly", len(out))
	}
	return out
}

// choose gives the observations whose rows are all honoured. It demands one of every
// honoured row, or the story that it names, and that there is a row for everything
// that is observed.
func choose(t *testing.T, all []Observation, page map[string]pageRow) []Observation {
	t.Helper()
	var out []Observation
	observed, names := map[string]bool{}, map[string]bool{}
	for _, o := range all {
		if names[o.Name] {
			t.Errorf("two observations are named %s", o.Name)
		}
		names[o.Name] = true
		if o.With.Want == o.Without.Want {
			t.Errorf("%s: both sides expect %q: nothing differs", o.Name, o.With.Want)
		}
		ready := len(o.Rows) > 0
		for _, r := range o.Rows {
			observed[r] = true
			switch row, ok := page[r]; {
			case !ok:
				t.Errorf("%s observes %s, which is no row of docs/compatibility.md", o.Name, r)
			case row.status != "honoured":
				ready = false
				t.Logf("%s waits: the page says that %s is %q", o.Name, r, row.status)
			}
		}
		if ready {
			out = append(out, o)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(page)) {
		if row := page[name]; row.status == "honoured" && scenes[name] == "" {
			shown(t, name, row, observed[name])
		}
	}
	return out
}

// scenes are the tests of package e2e that observe a row which no sidecar on the HTTP proxy
// port shows.
var scenes = map[string]string{
	"MeshConfig spec.outboundTrafficPolicy.mode": "TestCapture, TestCaptureShares and TestConnect",
	"ServiceEntry spec.addresses=CIDR":           "TestCaptureEntries",
	"ServiceEntry spec.resolution=NONE":          "TestCaptureEntries",
}

func shown(t *testing.T, name string, row pageRow, observed bool) {
	t.Helper()
	if row.seen == "live" {
		if !observed {
			t.Errorf("%s is honoured, but no observation shows it", name)
		}
		return
	}
	if _, err := os.Stat(filepath.Join("../../translate/testdata", row.seen+".txtar")); err != nil {
		t.Errorf("%s is honoured, but its story is not there: %v", name, err)
	}
}
