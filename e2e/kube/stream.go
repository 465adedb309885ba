package kube

import (
	"fmt"
	"net"

	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/traffic"
)

// Stream is steady traffic.
type Stream struct {
	scene *Scene
	gen   *traffic.Generator
	phase *traffic.Phase
}

// Stream sends 200 requests a second for a host, until End.
func (c *Client) Stream(host string) *Stream {
	return c.Scene.Through(new(net.Dialer).DialContext, c.Flags.Proxy(), host)
}

// Through is a Stream to an IP:PORT by connections that dial opens.
func (s *Scene) Through(dial traffic.Dial, target, host string) *Stream {
	g := traffic.StartThrough(dial, target, host, 2, streamRate)
	s.Cleanup(g.Stop)
	return &Stream{scene: s, gen: g, phase: g.Begin(streamRate)}
}

const streamRate = 200

// Next begins a new phase, and gives the counts of the one before, in which none may
// have failed.
func (s *Stream) Next() traffic.Tally {
	s.scene.Helper()
	tally := s.Skip()
	noFailures(s.scene, tally)
	return tally
}

// Skip begins a new phase, and gives the counts of the one before, failures and all.
func (s *Stream) Skip() traffic.Tally {
	old := s.phase
	s.phase = s.gen.Begin(streamRate)
	old.Drain()
	return old.Tally()
}

// End ends the traffic once its phase has 100 requests; none of the phase may have
// failed.
func (s *Stream) End() traffic.Tally {
	s.scene.Helper()
	cluster.Eventually(s.scene, Patience, func() error {
		if sent, _ := s.phase.Counts(); sent < 100 {
			return fmt.Errorf("%d of 100 requests", sent)
		}
		return nil
	})
	s.gen.Stop()
	tally := s.phase.Tally()
	noFailures(s.scene, tally)
	return tally
}

func noFailures(s *Scene, tally traffic.Tally) {
	s.Helper()
	if len(tally.Failures) > 0 {
		s.Errorf("%d of %d requests failed, the first: %s", len(tally.Failures), tally.Requests, tally.Failures[0].What)
	}
}

// Only fails the test if any request was answered by another than these addresses, or
// if one of them answered none.
func (s *Scene) Only(tally traffic.Tally, ips ...string) {
	s.Helper()
	want := map[string]bool{}
	for _, ip := range ips {
		endpoint := fmt.Sprintf("%s:%d", ip, Port)
		want[endpoint] = true
		if tally.ByEndpoint[endpoint] == 0 {
			s.Errorf("%s answered none of %d requests: %v", endpoint, tally.Requests, tally.ByEndpoint)
		}
	}
	for endpoint, n := range tally.ByEndpoint {
		if !want[endpoint] {
			s.Errorf("%s answered %d of %d requests, though only %v should: %v", endpoint, n, tally.Requests, ips, tally.ByEndpoint)
		}
	}
}
