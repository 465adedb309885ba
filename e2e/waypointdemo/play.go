package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/traffic"
)

const (
	// rate is requests a second of each client.
	rate = 150
	// tolerance is how many points a share may be off.
	tolerance = 5.0
	// settling is how long a change is left to itself at least.
	settling = 3 * time.Second
	// enough is how many requests a share is measured by: with that of the canary, a
	// tenth, σ is 1 point.
	enough = 900
)

// stream is the requests of one zone's clients for one service.
type stream struct {
	replica *replica
	service string // HOST:PORT, for translate
	vip     string // IP:PORT, where clients go
	canary  float64
	traffic *traffic.Generator
}

// connect begins to send, by new connections.
func (s *stream) connect() {
	s.traffic = traffic.StartThrough(s.replica.tunnel().DialContext, s.vip, "any.host", 4, rate)
}

// columns are where answers come from.
var columns = []string{"eu-1", "eu-2", "canary"}

// play runs the chapters and says what was not as predicted.
func (w *world) play(ctx context.Context) ([]string, error) {
	fmt.Println("Starting two waypoints and the sample's endpoints …")
	if err := w.start(ctx); err != nil {
		return nil, err
	}
	streams := []*stream{
		{replica: w.replicas[0], service: "reviews:80", vip: "10.96.1.1:80", canary: 10},
		{replica: w.replicas[1], service: "reviews:80", vip: "10.96.1.1:80", canary: 10},
		{replica: w.replicas[0], service: "db:5432", vip: "10.96.1.3:5432"},
	}
	for _, s := range streams {
		s.connect()
		defer func() { s.traffic.Stop() }()
	}
	var wrong []string
	for _, c := range []chapter{
		{"All is well: each waypoint serves from its own zone; one request of ten goes to the canary.", func() error { return nil }, "", 0, nil},
		{"Zone eu-1 dies (SIGKILL to its endpoints).", func() error { w.kill("eu-1"); return nil }, "eu-1", 6, nil},
		{"Zone eu-1 is back, and comes in again as its ejection ends.", func() error { return w.revive("eu-1") }, "", 0, w.returned},
	} {
		found, err := w.chapter(ctx, c, streams)
		if err != nil {
			return nil, err
		}
		wrong = append(wrong, found...)
	}
	return wrong, nil
}

// chapter is a change, and what it is to bring.
type chapter struct {
	title string
	begin func() error
	dead  string
	lost  int // connections that may be lost: TCP that was in flight
	// over waits until the change is over, unless nil.
	over func(context.Context) error
}

// chapter makes a change, waits until it is over, and measures.
func (w *world) chapter(ctx context.Context, c chapter, streams []*stream) ([]string, error) {
	fmt.Printf("\n%s\n", c.title)
	changing := make([]*traffic.Phase, len(streams))
	for i, s := range streams {
		changing[i] = s.traffic.Begin(rate)
	}
	if err := c.begin(); err != nil {
		return nil, err
	}
	if c.over != nil {
		if err := c.over(ctx); err != nil {
			return nil, err
		}
	}
	if err := sleep(ctx, settling); err != nil {
		return nil, err
	}
	measured := make([]*traffic.Phase, len(streams))
	for i, s := range streams {
		if s.canary == 0 { // of TCP a connection stays where it is
			s.traffic.Stop()
			s.connect()
		}
		measured[i] = s.traffic.Begin(rate)
	}
	if err := window(ctx, w.window, measured); err != nil {
		return nil, err
	}
	for _, s := range streams {
		s.traffic.Begin(rate)
	}
	return w.table(ctx, streams, changing, measured, c.dead, c.lost)
}

// window waits for a time, and until every stream has sent enough.
func window(ctx context.Context, least time.Duration, measured []*traffic.Phase) error {
	if err := sleep(ctx, least); err != nil {
		return err
	}
	return until(ctx, "enough requests", func() (bool, error) {
		for _, p := range measured {
			if sent, _ := p.Counts(); sent < enough {
				return false, nil
			}
		}
		return true, nil
	})
}

// returned waits until no waypoint has an endpoint ejected.
func (w *world) returned(ctx context.Context) error {
	return until(ctx, "the end of all ejections", func() (bool, error) {
		for _, r := range w.replicas {
			page, err := r.envoy.Get(ctx, "/stats?filter=outlier_detection.ejections_active$")
			if err != nil {
				return false, err
			}
			for line := range strings.Lines(string(page)) {
				if !strings.HasSuffix(strings.TrimSpace(line), ": 0") {
					return false, nil
				}
			}
		}
		return true, nil
	})
}

// until waits for what takes longer on a machine that others use too.
func until(ctx context.Context, what string, holds func() (bool, error)) error {
	for deadline := time.Now().Add(2 * patience); ; {
		ok, err := holds()
		if ok || err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not within %v: %s", 2*patience, what)
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// table draws what was measured beside what was predicted, and judges it.
func (w *world) table(ctx context.Context, streams []*stream, changing, measured []*traffic.Phase, dead string, lost int) ([]string, error) {
	var wrong []string
	tab := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(tab, "clients of\tservice\t%s\trequests\tfailed\t\n", strings.Join(columns, "\t"))
	for i, s := range streams {
		cluster, err := w.predict(ctx, s.replica, s.service)
		if err != nil {
			return nil, err
		}
		measured[i].Drain()
		tally := measured[i].Tally()
		changed := changing[i].Tally()
		got, want := w.shares(tally), w.expected(cluster, s.canary, dead)
		cells := make([]string, len(columns))
		for j, column := range columns {
			cells[j] = fmt.Sprintf("%.0f%% (%.0f)", got[column], want[column])
			if math.Abs(got[column]-want[column]) > tolerance {
				wrong = append(wrong, fmt.Sprintf("%s from %s: %.1f %% from %s, predicted %.1f %%", s.service, s.replica.flags.ID, got[column], column, want[column]))
			}
		}
		failures := slices.Concat(changed.Failures, tally.Failures)
		allowed := 0
		if s.canary == 0 {
			allowed = lost
		}
		if len(failures) > allowed {
			wrong = append(wrong, fmt.Sprintf("%s from %s: %d failed, the first: %s", s.service, s.replica.flags.ID, len(failures), failures[0].What))
		}
		fmt.Fprintf(tab, "%s\t%s\t%s\t%d\t%d\t\n", strings.TrimPrefix(s.replica.flags.ID, "waypoint-"), s.service,
			strings.Join(cells, "\t"), changed.Requests+tally.Requests, len(failures))
	}
	return wrong, tab.Flush()
}

// shares are in percent of the answers.
func (w *world) shares(t traffic.Tally) map[string]float64 {
	out := map[string]float64{}
	total := 0
	for address, n := range t.ByEndpoint {
		out[w.column(address)] += float64(n)
		total += n
	}
	for column := range out {
		out[column] *= 100 / float64(total)
	}
	return out
}

// expected is the prediction of translate, less the canary's share; a zone that is dead
// has none, and the next has it all.
func (w *world) expected(c coastwise.Cluster, canary float64, dead string) map[string]float64 {
	out := map[string]float64{"canary": canary}
	for address, share := range c.Shares() {
		column := w.zones[address]
		if column == dead {
			column = "eu-2"
		}
		out[column] += share * (100 - canary) / 100
	}
	return out
}

// column is that of an endpoint.
func (w *world) column(address string) string {
	if strings.HasPrefix(address, "127.20.2.9:") {
		return "canary"
	}
	return w.zones[address]
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
