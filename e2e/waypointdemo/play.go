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
	// settling is how long ejecting dead endpoints may take.
	settling = 3 * time.Second
	back     = "Zone eu-1 is back, and comes in again as its ejection ends."
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
	for _, c := range []struct {
		title string
		begin func() error
		dead  string
		lost  int // connections that may be lost: TCP that was in flight
	}{
		{"All is well: each waypoint serves from its own zone; one request of ten goes to the canary.", func() error { return nil }, "", 0},
		{"Zone eu-1 dies (SIGKILL to its endpoints).", func() error { w.kill("eu-1"); return nil }, "eu-1", 6},
		{back, func() error { return w.revive("eu-1") }, "", 0},
	} {
		found, err := w.chapter(ctx, c.title, c.begin, c.dead, c.lost, streams)
		if err != nil {
			return nil, err
		}
		wrong = append(wrong, found...)
	}
	return wrong, nil
}

// chapter makes a change, waits until it is over, and measures.
func (w *world) chapter(ctx context.Context, title string, begin func() error, dead string, lost int, streams []*stream) ([]string, error) {
	fmt.Printf("\n%s\n", title)
	changing := make([]*traffic.Phase, len(streams))
	for i, s := range streams {
		changing[i] = s.traffic.Begin(rate)
	}
	if err := begin(); err != nil {
		return nil, err
	}
	pause := settling
	if title == back {
		pause = 12 * time.Second // baseEjectionTime, and a little
	}
	if err := sleep(ctx, pause); err != nil {
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
	if err := sleep(ctx, w.window); err != nil {
		return nil, err
	}
	for _, s := range streams {
		s.traffic.Begin(rate)
	}
	return w.table(ctx, streams, changing, measured, dead, lost)
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
