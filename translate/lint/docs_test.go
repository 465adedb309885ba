package lint

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the table of rules into docs/lint.md")

const docs = "../../docs/lint.md"

// What stands between these lines of the page is written by this test.
const (
	begin = "<!-- begin: written by go test ./translate/lint -update -->\n"
	end   = "<!-- end -->\n"
)

// TestDocs holds the page against the table.
func TestDocs(t *testing.T) {
	raw, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(raw), begin)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", docs)
	}
	table := page()
	if *update {
		if err := os.WriteFile(docs, []byte(before+begin+table+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(table, old); diff != "" {
		t.Errorf("run go test ./translate/lint -update (-table +page):\n%s", diff)
	}
}

func page() string {
	var b strings.Builder
	b.WriteString("\n| rule | severity | what differs | Istio | coastwise | to keep Istio's behaviour |\n|---|---|---|---|---|---|\n")
	for _, r := range Rules() {
		severity := string(r.Severity)
		if r.find == nil {
			severity = "no finding: no object shows it"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", r.ID, severity, r.Title, r.Istio, r.Here, r.Keep)
	}
	b.WriteString("\n| rule | a Problem that says | what to do |\n|---|---|---|\n")
	for _, r := range Reasons() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.Reason, r.Title, r.Mend)
	}
	b.WriteString("\n")
	return b.String()
}
