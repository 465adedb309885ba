package main

import (
	"strings"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/traffic"
)

var killed = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// spilled is the chapter in which half of a zone died, gone well for eu/eu-1:
// 70 % to the two endpoints that live, 30 % to the two of eu-2.
func spilled() (Layout, Chapter, Moments, Row) {
	l := DefaultLayout()
	r := Row{
		WasServed: true,
		Predicted: map[string]float64{"node-eu-eu-1-3": 35, "node-eu-eu-1-4": 35, "node-eu-eu-2-1": 15, "node-eu-eu-2-2": 15},
		Change:    traffic.Tally{Requests: 300, ByEndpoint: map[string]int{"node-eu-eu-1-3": 300}},
		Window: traffic.Tally{Requests: 3000, ByEndpoint: map[string]int{
			"node-eu-eu-1-3": 1080, "node-eu-eu-1-4": 1000, "node-eu-eu-2-1": 460, "node-eu-eu-2-2": 460,
		}},
	}
	return l, Chapters(l)[2], Moments{Killed: killed, Written: killed.Add(10 * time.Millisecond)}, r
}

func failures(what string, after ...time.Duration) []traffic.Failure {
	var out []traffic.Failure
	for _, d := range after {
		out = append(out, traffic.Failure{At: killed.Add(d), What: what})
	}
	return out
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Moments, *Row)
		want   []string
	}{
		{"all well", func(*Moments, *Row) {}, nil},
		{
			"too few requests", func(_ *Moments, r *Row) {
				r.Window.Requests, r.Window.ByEndpoint = 20, map[string]int{"node-eu-eu-1-3": 14, "node-eu-eu-2-1": 6}
			},
			[]string{"only 20 of 2000 requests"},
		},
		{
			"a cell off", func(_ *Moments, r *Row) { r.Predicted["node-eu-eu-1-3"], r.Predicted["node-eu-eu-2-1"] = 44, 6 },
			[]string{"eu/eu-1 got 69.3 %, predicted 79.0 %", "eu/eu-2 got 30.7 %, predicted 21.0 %"},
		},
		{"predicted and measured alike, but not what the rules say", func(_ *Moments, r *Row) {
			r.Predicted = map[string]float64{"node-eu-eu-1-3": 100}
			r.Window.ByEndpoint = map[string]int{"node-eu-eu-1-3": 3000}
		}, []string{"the own zone as its health allows: 100.0 %, want 65.0 to 75.0"}},
		{
			"forbidden during the change", func(_ *Moments, r *Row) { r.Change.ByEndpoint["node-ap-ap-1-1"] = 1 },
			[]string{"1 answer from ap/ap-1, which is forbidden"},
		},
		{"failures within the grace", func(_ *Moments, r *Row) { r.Change.Failures = failures("503", 0, 2*time.Second) }, nil},
		{
			"one late failure", func(_ *Moments, r *Row) { r.Window.Failures = failures("503", 2100*time.Millisecond) },
			[]string{"1 request failed later than 2s after the kill, the first after 2.1 s: 503"},
		},
		{
			"a failure where nothing was killed", func(m *Moments, r *Row) { m.Killed = time.Time{}; r.Change.Failures = failures("503", 0) },
			[]string{"1 request failed, the first: 503"},
		},
		{"failures before the first endpoint is back", func(m *Moments, r *Row) {
			m.Killed, r.WasServed, r.Change.Failures = time.Time{}, false, failures("503", 0, time.Second)
		}, nil},
		{"failures long after the first endpoint is back", func(m *Moments, r *Row) {
			m.Killed, r.WasServed, r.Change.Failures = time.Time{}, false, failures("503", 0, 3*time.Second)
		}, []string{"1 request failed, the first: 503"}},
	} {
		l, chapter, m, r := spilled()
		c.change(&m, &r)
		got := Judge(l, chapter, m, r, 2000)
		for i := range got {
			got[i] = strings.TrimPrefix(got[i], "half of a zone dies, client eu/eu-1: ")
		}
		if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestJudgeWantsFailuresWhereNothingIsLeft(t *testing.T) {
	l := DefaultLayout()
	chapter := Chapters(l)[5]
	r := Row{WasServed: true, Window: traffic.Tally{Requests: 2000}}
	for range 2000 {
		r.Window.Failures = append(r.Window.Failures, traffic.Failure{At: killed.Add(time.Hour), What: "503"})
	}
	if got := Judge(l, chapter, Moments{Killed: killed, Written: killed}, r, 2000); got != nil {
		t.Errorf("all failed as they should: %q", got)
	}
	r.Window.Failures = r.Window.Failures[:1999]
	r.Window.ByEndpoint = map[string]int{"node-us-us-1-1": 1}
	if got := Judge(l, chapter, Moments{Killed: killed, Written: killed}, r, 2000); len(got) != 1 || !strings.Contains(got[0], "every request fails") {
		t.Errorf("one was answered: %q", got)
	}
}

func TestJudgeKill(t *testing.T) {
	c := Chapter{Title: "the zone dies"}
	if got := JudgeKill(c, Moments{Killed: killed, Written: killed.Add(200 * time.Millisecond)}); got != nil {
		t.Errorf("in time: %q", got)
	}
	if got := JudgeKill(c, Moments{Killed: killed, Written: killed.Add(201 * time.Millisecond)}); len(got) != 1 {
		t.Errorf("late: %q", got)
	}
	if got := JudgeKill(c, Moments{Written: killed}); got != nil {
		t.Errorf("no kill: %q", got)
	}
}
