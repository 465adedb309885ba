package main

import (
	"context"
	"fmt"
	"time"
)

// update is what one of a kind cost, on average.
type update struct {
	what          string
	envoy, server time.Duration
	// drained is how many filter chains' connections were told to go, each time.
	drained int
}

// update makes each kind of update some times, beside what the Envoy uses anyway.
func (p *pair) update(ctx context.Context, n, times int, idle float64) ([]update, error) {
	if err := p.Write("route.yaml", route(0)); err != nil {
		return nil, err
	}
	before, err := p.now()
	if err != nil {
		return nil, err
	}
	if _, err := p.settle(ctx, before); err != nil {
		return nil, err
	}
	var out []update
	for _, kind := range []struct {
		what, sent string
		turn       func(int) error
	}{
		{"an endpoint's address", "ClusterLoadAssignment", func(turn int) error { return p.Write("service-0.yaml", p.service(0, turn)) }},
		{"a route", "RouteConfiguration", func(turn int) error { return p.Write("route.yaml", route(turn)) }},
		{"a Service comes or goes", p.named(), func(turn int) error {
			if turn%2 == 0 {
				return p.Write("service-new.yaml", "")
			}
			return p.Write("service-new.yaml", p.service(n, 0))
		}},
	} {
		u, err := p.turns(ctx, times, idle, kind.sent, kind.turn)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kind.what, err)
		}
		u.what = kind.what
		out = append(out, u)
	}
	return out, nil
}

// drained is how many filter chains wait for their connections to end.
const drained = "listener_manager.total_filter_chains_draining"

// turns makes an update some times; each makes the server send something of a type.
func (p *pair) turns(ctx context.Context, times int, idle float64, sent string, turn func(int) error) (update, error) {
	var sum update
	for i := 1; i <= times; i++ {
		chains, err := p.stats(ctx, drained)
		if err != nil {
			return sum, err
		}
		before, err := p.now()
		if err != nil {
			return sum, err
		}
		if err := p.sends(ctx, sent, func() error { return turn(i) }); err != nil {
			return sum, err
		}
		cost, err := p.settle(ctx, before)
		if err != nil {
			return sum, err
		}
		anyway := time.Duration(idle * float64(time.Since(before.since)))
		sum.envoy += (cost.envoy - anyway) / time.Duration(times)
		sum.server += cost.server / time.Duration(times)
		after, err := p.stats(ctx, drained)
		if err != nil {
			return sum, err
		}
		sum.drained += after[drained] - chains[drained]
	}
	sum.drained /= times
	return sum, nil
}

// sends does something, and waits until the server has sent a type again.
func (p *pair) sends(ctx context.Context, what string, do func() error) error {
	before, err := p.pushes(ctx)
	if err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return p.server.Await(time.Now().Add(patience), func() error {
		now, err := p.pushes(ctx)
		if err == nil && now[what].responses == before[what].responses {
			err = fmt.Errorf("no %s was sent", what)
		}
		return err
	})
}

// named is the type of what lists all services: a sidecar without capture has them in
// the routes of its HTTP proxy port.
func (p *pair) named() string {
	if p.chains {
		return "Listener"
	}
	return "RouteConfiguration"
}
