package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/coastwise/coastwise/e2e/traffic"
)

// grace is how long after a kill a request may still fail.
const grace = 2 * time.Second

// writeLimit is how soon after a kill the slice has to say ready: false.
const writeLimit = 200 * time.Millisecond

// Moments are when things happened in one chapter. Killed is zero if nothing was.
type Moments struct {
	Killed, Written time.Time
}

// Row is one client in one chapter. Endpoints are named by Node.
type Row struct {
	// Client is the index of the client's zone.
	Client int
	// GRPC says that it is the gRPC client of that zone, not its Envoy.
	GRPC bool
	// Predicted is each endpoint's share in percent, by translate; empty or all
	// zero if nothing may or can be reached.
	Predicted map[string]float64
	// WasServed says that the client had an endpoint in the chapter before.
	WasServed bool
	// Change counts what was sent while the world changed, Window what was sent
	// after; only Window is held against Predicted.
	Change, Window traffic.Tally
}

// name is what the row is called.
func (r Row) name(l Layout) string {
	if r.GRPC {
		return "gRPC " + l.Zones[r.Client].Name
	}
	return l.Zones[r.Client].String()
}

// Served says that the client has an endpoint that should answer.
func (r Row) Served() bool {
	for share := range maps.Values(r.Predicted) {
		if share > 0 {
			return true
		}
	}
	return false
}

// Cell compares one zone's share of a client's requests, in percent.
type Cell struct {
	Zone                string
	Measured, Predicted float64
}

// Off says that the cell is not what was predicted.
func (c Cell) Off() bool { return math.Abs(c.Measured-c.Predicted) > tolerance }

// Cells are a row's cells, one for each zone of the layout, and one for failures.
func Cells(l Layout, r Row) []Cell {
	var out []Cell
	failed := Cell{Zone: "failed", Measured: percent(len(r.Window.Failures), r.Window.Requests), Predicted: 100}
	for _, z := range l.Zones {
		c := Cell{Zone: z.String()}
		n := 0
		for _, e := range z.Endpoints {
			n += r.Window.ByEndpoint[e.Node]
			c.Predicted += r.Predicted[e.Node]
		}
		c.Measured = percent(n, r.Window.Requests)
		failed.Predicted -= c.Predicted
		out = append(out, c)
	}
	if failed.Predicted < 1 { // shares come rounded to a tenth
		failed.Predicted = 0
	}
	return append(out, failed)
}

func percent(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return 100 * float64(n) / float64(of)
}

// Judge is everything that is wrong with one client in one chapter; nil is well.
func Judge(l Layout, c Chapter, m Moments, r Row, minimum int) []string {
	var out []string
	client := r.name(l)
	say := func(format string, args ...any) {
		out = append(out, fmt.Sprintf("%s, client %s: ", c.Title, client)+fmt.Sprintf(format, args...))
	}
	if r.Window.Requests < minimum {
		say("only %d of %d requests", r.Window.Requests, minimum)
	}
	for _, cell := range Cells(l, r) {
		if cell.Off() {
			say("%s got %.1f %%, predicted %.1f %%", cell.Zone, cell.Measured, cell.Predicted)
		}
	}
	for _, claim := range c.Claims {
		if claim.Client != r.Client {
			continue
		}
		if got := percent(count(r.Window, claim.To), r.Window.Requests); got < claim.Min || got > claim.Max {
			say("%s: %.1f %%, want %.1f to %.1f", claim.What, got, math.Max(0, claim.Min), math.Min(100, claim.Max))
		}
	}
	for _, s := range slices.Concat(judgeFence(l, r), judgeFailures(m, r)) {
		say("%s", s)
	}
	return out
}

func count(t traffic.Tally, to map[string]bool) int {
	n := 0
	for node := range to {
		n += t.ByEndpoint[node]
	}
	return n
}

// judgeFence looks at every answer, those during a change too.
func judgeFence(l Layout, r Row) []string {
	var out []string
	for _, e := range l.Endpoints() {
		if n := r.Change.ByEndpoint[e.Node] + r.Window.ByEndpoint[e.Node]; n > 0 && !l.MayReach(l.Zones[r.Client], e) {
			out = append(out, fmt.Sprintf("%s from %s/%s, which is forbidden", plural(n, "answer"), e.Region, e.Zone))
		}
	}
	return out
}

// judgeFailures forgives failures within the grace after a kill, or after the
// manifests that gave a client its first endpoint back.
func judgeFailures(m Moments, r Row) []string {
	if !r.Served() {
		return nil
	}
	var forgiven time.Time
	switch {
	case !m.Killed.IsZero():
		forgiven = m.Killed.Add(grace)
	case !r.WasServed:
		forgiven = m.Written.Add(grace)
	}
	var late []traffic.Failure
	for _, f := range slices.Concat(r.Change.Failures, r.Window.Failures) {
		if f.At.After(forgiven) {
			late = append(late, f)
		}
	}
	if len(late) == 0 {
		return nil
	}
	if m.Killed.IsZero() {
		return []string{fmt.Sprintf("%s failed, the first: %s", plural(len(late), "request"), late[0].What)}
	}
	return []string{fmt.Sprintf("%s failed later than %v after the kill, the first after %.1f s: %s",
		plural(len(late), "request"), grace, late[0].At.Sub(m.Killed).Seconds(), late[0].What)}
}

// JudgeKill says whether the slices followed a kill in time.
func JudgeKill(c Chapter, m Moments) []string {
	if d := m.Written.Sub(m.Killed); !m.Killed.IsZero() && d > writeLimit {
		return []string{fmt.Sprintf("%s: ready: false was written %v after the kill, not within %v", c.Title, d.Round(time.Millisecond), writeLimit)}
	}
	return nil
}
