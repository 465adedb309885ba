package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/envoyproc"
	"github.com/coastwise/coastwise/e2e/traffic"
)

// How much traffic there is, for each client.
const (
	workers = 4
	// wanted is how many requests a chapter's window has to have.
	wanted = 2500
	// slowRate and fullRate are requests per second while the world changes, and
	// in a window.
	slowRate = 150
	fullRate = 1500
	// windowLimit is how long a window may take on a slow machine.
	windowLimit = 30 * time.Second
)

// Player plays the chapters in a World.
type Player struct {
	world      *World
	screen     *Screen
	generators []*traffic.Generator
	// current is the phase that each generator is in.
	current []*traffic.Phase
	served  []bool
	wrong   []string
}

// NewPlayer starts slow traffic through every client's Envoy.
func NewPlayer(w *World, s *Screen) *Player {
	p := &Player{world: w, screen: s, served: make([]bool, len(w.clients))}
	for i, c := range w.clients {
		g := traffic.Start(c.Entry, serviceName+"."+serviceNamespace, workers, slowRate)
		p.generators = append(p.generators, g)
		p.served[i] = true
	}
	return p
}

// Stop ends the traffic.
func (p *Player) Stop() {
	for _, g := range p.generators {
		g.Stop()
	}
}

// Play plays all chapters and returns what was wrong; an error means that it
// could not be played to its end.
func (p *Player) Play(ctx context.Context) ([]string, error) {
	chapters := Chapters(p.world.layout)
	if err := p.settle(ctx); err != nil {
		return nil, err
	}
	p.begin(slowRate)
	before := Chapter{}
	for i, c := range chapters {
		f := Frame{Number: i + 1, Of: len(chapters), Chapter: c, Want: wanted}
		if err := p.chapter(ctx, before, f); err != nil {
			return p.wrong, fmt.Errorf("chapter %q: %w", c.Title, err)
		}
		before = c
	}
	return p.wrong, nil
}

// settle waits until every client holds the first state of the world, so that
// the first chapter's traffic is not start-up noise.
func (p *Player) settle(ctx context.Context) error {
	clusters, err := p.world.Predict(ctx)
	if err != nil {
		return err
	}
	return p.world.Converge(ctx, clusters)
}

// begin starts a new phase everywhere and returns the phases before, all counted.
func (p *Player) begin(rate int) []*traffic.Phase {
	last := p.current
	p.current = nil
	for _, g := range p.generators {
		p.current = append(p.current, g.Begin(rate))
	}
	for _, phase := range last {
		phase.Drain()
	}
	return last
}

// chapter changes the world, waits until all Envoys have followed, measures a
// window and judges.
func (p *Player) chapter(ctx context.Context, before Chapter, f Frame) error {
	m, err := p.change(before, &f)
	if err != nil {
		return err
	}
	p.screen.Show(p.world.layout, f)
	clusters, err := p.world.Predict(ctx)
	if err != nil {
		return err
	}
	if err := p.world.Converge(ctx, clusters); err != nil {
		return err
	}
	f.Events = append(f.Events, fmt.Sprintf("every client holds what translate says, seen after %v", since(m.Written)))
	p.screen.Show(p.world.layout, f)
	if !m.Killed.IsZero() {
		if err := sleepUntil(ctx, m.Killed.Add(grace)); err != nil {
			return err
		}
	}
	changed := p.begin(fullRate)
	f.Rows = p.rows(clusters)
	if err := p.window(ctx, &f); err != nil {
		return err
	}
	p.finish(m, &f, p.begin(slowRate), changed)
	return nil
}

// change kills, starts and writes what makes the chapter.
func (p *Player) change(before Chapter, f *Frame) (Moments, error) {
	var m Moments
	w, c := p.world, f.Chapter
	kill, start := Change(before, c)
	if err := w.startBackends(start); err != nil {
		return m, err
	}
	if len(kill) > 0 {
		m.Killed = time.Now()
		w.killBackends(kill)
	}
	if before.On != c.On {
		if err := w.writeMesh(c.On); err != nil {
			return m, err
		}
	}
	if err := w.writeSlices(c.Dead, zonesOf(w.layout, slices.Concat(kill, start))); err != nil {
		return m, err
	}
	m.Written = time.Now()
	switch {
	case len(kill) > 0:
		f.Events = append(f.Events, fmt.Sprintf("SIGKILL for %s, ready: false written %v later", plural(len(kill), "backend"), since(m.Killed)))
	case len(start) > 0:
		f.Events = append(f.Events, fmt.Sprintf("%s started again, ready: true written", plural(len(start), "backend")))
	}
	return m, nil
}

// zonesOf are the zones that hold any of the endpoints.
func zonesOf(l Layout, nodes []string) []Zone {
	var out []Zone
	for _, z := range l.Zones {
		if slices.ContainsFunc(z.Endpoints, func(e Endpoint) bool { return slices.Contains(nodes, e.Node) }) {
			out = append(out, z)
		}
	}
	return out
}

// rows are the chapter's rows with their predictions.
func (p *Player) rows(clusters []coastwise.Cluster) []Row {
	out := make([]Row, len(clusters))
	for i, cluster := range clusters {
		out[i] = Row{Client: p.world.clients[i].Zone, GRPC: p.world.clients[i].Flags.Kind == "grpc", Predicted: map[string]float64{}, WasServed: p.served[i]}
		for hostPort, share := range cluster.Shares() {
			out[i].Predicted[p.world.nodes[hostPort]] += share
		}
	}
	return out
}

// window waits until every client has sent enough, and draws meanwhile.
func (p *Player) window(ctx context.Context, f *Frame) error {
	deadline := time.Now().Add(windowLimit)
	for {
		least := wanted
		for i, phase := range p.current {
			f.Rows[i].Window = p.byNode(phase.Tally())
			least = min(least, f.Rows[i].Window.Requests)
		}
		if least >= wanted {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("a client sent only %d of %d requests within %v", least, wanted, windowLimit)
		}
		p.screen.Show(p.world.layout, *f)
		if err := sleepUntil(ctx, time.Now().Add(150*time.Millisecond)); err != nil {
			return err
		}
	}
}

// finish takes the last counts, judges and shows the chapter's end.
func (p *Player) finish(m Moments, f *Frame, window, changed []*traffic.Phase) {
	l := p.world.layout
	f.Wrong = JudgeKill(f.Chapter, m)
	for i := range f.Rows {
		r := &f.Rows[i]
		r.Window, r.Change = p.byNode(window[i].Tally()), p.byNode(changed[i].Tally())
		f.Wrong = append(f.Wrong, Judge(l, f.Chapter, m, *r, wanted)...)
		p.served[i] = r.Served()
	}
	if !m.Killed.IsZero() {
		f.Events = append(f.Events, lastFailure(m, f.Rows))
	}
	f.Done = true
	p.wrong = append(p.wrong, f.Wrong...)
	p.screen.Show(l, *f)
}

// lastFailure says what the kill cost the clients that still had an endpoint.
func lastFailure(m Moments, rows []Row) string {
	n, last := 0, time.Duration(0)
	for _, r := range rows {
		if !r.Served() {
			continue
		}
		n += len(r.Change.Failures)
		for _, failure := range r.Change.Failures {
			last = max(last, failure.At.Sub(m.Killed))
		}
	}
	if n == 0 {
		return "no request failed that had somewhere to go"
	}
	return fmt.Sprintf("%s failed that had somewhere to go, the last %v after the kill", plural(n, "request"), last.Round(time.Millisecond))
}

// byNode names the endpoints of a tally by Node; an unknown one keeps its address.
func (p *Player) byNode(t traffic.Tally) traffic.Tally {
	named := map[string]int{}
	for hostPort, n := range t.ByEndpoint {
		node := p.world.nodes[hostPort]
		if node == "" {
			node = hostPort
		}
		named[node] += n
	}
	t.ByEndpoint = named
	return t
}

// Converge waits until every client's Envoy holds exactly the endpoints of its
// cluster, with their priority and health, and then until the gRPC client, which
// shows nothing, has acknowledged all that it was sent.
func (w *World) Converge(ctx context.Context, clusters []coastwise.Cluster) error {
	deadline := time.Now().Add(patience)
	for i, c := range w.clients {
		for {
			differs := w.lacks(ctx, c, clusters[i])
			if differs == "" {
				break
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("%s does not hold what translate says: %s", c.Flags.ID, differs)
			}
			if err := sleepUntil(ctx, time.Now().Add(20*time.Millisecond)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *World) lacks(ctx context.Context, c Client, cluster coastwise.Cluster) string {
	if c.GRPC != nil {
		return w.unsynced(c.Flags)
	}
	return differs(ctx, c.Envoy, cluster)
}

// differs says what one Envoy holds that it should not, or lacks; "" for nothing.
func differs(ctx context.Context, e *envoyproc.Envoy, cluster coastwise.Cluster) string {
	hosts, err := e.Hosts(ctx, cluster.Name)
	if err != nil {
		return err.Error()
	}
	var has, want []string
	for _, h := range hosts {
		has = append(has, fmt.Sprintf("%s priority %d healthy %v", h.Address, h.Priority, h.Healthy))
	}
	for _, g := range cluster.Groups {
		for _, endpoint := range g.Endpoints {
			want = append(want, fmt.Sprintf("%s priority %d healthy %v", endpoint.HostPort(), g.Priority, endpoint.Health == "HEALTHY"))
		}
	}
	slices.Sort(has)
	slices.Sort(want)
	if slices.Equal(has, want) {
		return ""
	}
	return fmt.Sprintf("it has [%s], not [%s]", strings.Join(has, ", "), strings.Join(want, ", "))
}

func since(t time.Time) time.Duration { return time.Since(t).Round(time.Millisecond) }

func sleepUntil(ctx context.Context, t time.Time) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(time.Until(t)):
		return nil
	}
}
