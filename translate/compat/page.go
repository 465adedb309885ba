package compat

import "strings"

// Page is docs/compatibility.md. Its tables are a contract: a heading of the second
// level is the kind; the first cell of a row is the row's name in backquotes, the
// second its status, the last what shows it: live, the name of a story, or nothing.
func Page() string {
	var b strings.Builder
	b.WriteString(head)
	for _, s := range Table() {
		s.print(&b)
	}
	return b.String()
}

const head = `<!-- Generated from translate/compat by make generate; do not edit. -->

# Every field, and what becomes of it

What may stand in the objects that coastwise reads, and what it is turned into.

- **honoured**: it does what it says.
- **refused**: the object is refused, for the reason beside it.
- **not yet**: the object counts without it, which is told (NotHonoured); beside it stands what holds instead.
- **no effect**: it does nothing, by design, which is told (NoEffect).

Any other field of our kinds is unknown, and refuses its object. Istio's kinds (networking.istio.io) are read alike; *Istio* says whether they have
the field, and one of spec that they have not refuses them. *Becomes* names fields of Envoy's messages. *Seen by*: **live** is an observation in
e2e/observe that names the field: a real Envoy does something else with it than without, in what clients are answered, backends get, or its
counters and sockets say; otherwise the story of that name in translate/testdata shows it.
`

func (s Section) print(b *strings.Builder) {
	b.WriteString("\n## " + s.Kind + "\n\n`" + s.APIVersion + "`.")
	if s.About != "" {
		b.WriteString(" " + s.About)
	}
	title, rule := "| Field | Status | Becomes | Notes |", "|---|---|---|---|"
	if s.Istio != "" {
		title, rule = title+" Istio |", rule+"---|"
	}
	b.WriteString("\n\n" + title + " Seen by |\n" + rule + "---|\n")
	for _, r := range s.Rows {
		b.WriteString(r.line(s.Istio != "") + "\n")
	}
}

// line is one row of the page.
func (r Row) line(istio bool) string {
	notes := r.Notes
	if r.As != "" {
		_, field, _ := strings.Cut(r.As, " ")
		notes = join("fields as below `"+field+"`", notes)
	}
	cells := []string{"`" + r.Name() + "`", string(r.Status), r.Becomes, notes}
	if istio {
		cells = append(cells, r.istio())
	}
	return "| " + strings.Join(append(cells, r.seenBy()), " | ") + " |"
}

func (r Row) istio() string {
	if r.Own {
		return "no"
	}
	return "yes"
}

func (r Row) seenBy() string {
	if r.Observation() != "" {
		return "live"
	}
	return r.Story
}

// join puts both together, of which the second may be empty.
func join(a, b string) string {
	if b == "" {
		return a
	}
	return a + "; " + b
}
