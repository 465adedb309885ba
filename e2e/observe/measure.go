package observe

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// The time in which what a field asks for in milliseconds must have happened, and
// for which what must not happen is watched.
const soon = 4 * time.Second

// slow has every backend take its time, so that requests overlap.
const slow = waitHeader + ": *=600ms"

// plain is a request that asks for nothing special.
var plain = Request{}

// asked is one value of one answer.
func asked(r Request, of func(Answer) string) func(*Site) (string, error) {
	return func(s *Site) (string, error) { return of(s.ask(r)), nil }
}

// reached are the zones that answer a hundred requests.
func reached(r Request) func(*Site) (string, error) {
	return func(s *Site) (string, error) {
		return strings.Join(distinct(s.inTurn(100, r), zoneOf), " "), nil
	}
}

// overlapping are the statuses of n requests at once.
func overlapping(n int) func(*Site) (string, error) {
	return func(s *Site) (string, error) {
		return strings.Join(distinct(s.atOnce(n, Request{Headers: []string{slow}}), statusOf), " "), nil
	}
}

// connections is how many connections n requests need.
func connections(of func(*Site) []Answer) func(*Site) (string, error) {
	return func(s *Site) (string, error) {
		answers := of(s)
		if bad := distinct(answers, statusOf); len(bad) != 1 || bad[0] != "200" {
			return "", fmt.Errorf("answered with %s", bad)
		}
		return fmt.Sprintf("connections: %d", len(distinct(answers, connectionOf))), nil
	}
}

// spread says whether forty requests are answered by one endpoint.
func spread(r Request) func(*Site) (string, error) {
	return func(s *Site) (string, error) {
		answers := s.inTurn(40, r)
		if bad := distinct(answers, statusOf); len(bad) != 1 || bad[0] != "200" {
			return "", fmt.Errorf("answered with %s", bad)
		}
		if len(distinct(answers, endpointOf)) == 1 {
			return "one endpoint", nil
		}
		return "several endpoints", nil
	}
}

// afterwards says whether the connection of an answered request is closed soon.
func afterwards(s *Site) (string, error) {
	c, err := s.world.lab.connection(s.ask(plain).Connection)
	if err != nil {
		return "", err
	}
	if within(soon, c.isOver) {
		return "closed", nil
	}
	return "open", nil
}

// whileBusy says whether a connection with requests all the time is replaced soon.
func whileBusy(s *Site) (string, error) {
	first := s.ask(plain)
	if within(soon, func() bool { return s.ask(plain).Connection != first.Connection }) {
		return "replaced", nil
	}
	return "stays", nil
}

// pinged says whether HTTP/2 pings arrive on an idle connection.
func pinged(s *Site) (string, error) {
	a := s.ask(plain)
	c, err := s.world.lab.connection(a.Connection)
	if err != nil {
		return "", err
	}
	if a.Proto != "HTTP/2.0" {
		return "", fmt.Errorf("speaks %s", a.Proto)
	}
	if within(soon, func() bool { return c.pinged() >= 3 }) {
		return "pings", nil
	}
	return "no pings", nil
}

// probed is how Envoy's end of a connection is kept alive.
func probed(s *Site) (string, error) {
	c, err := s.world.lab.connection(s.ask(plain).Connection)
	if err != nil {
		return "", err
	}
	return keepalive(s.world.envoys[s.Client].Pid(), c.RemoteAddr(), c.LocalAddr())
}

// gauge is a statistic of the cluster once a request was answered.
func gauge(name string) func(*Site) (string, error) {
	return func(s *Site) (string, error) {
		if a := s.ask(plain); a.Status != 200 {
			return "", fmt.Errorf("answered with %s: %v", statusOf(a), a.Err)
		}
		n, err := s.stat(name)
		if err != nil {
			return "none", nil //nolint:nilerr // Envoy has it not: that is the answer
		}
		return fmt.Sprint(n), nil
	}
}

// failing has the first backend of the first zone answer with status.
func (s *Site) failing(status int) Request {
	return Request{Headers: []string{fmt.Sprintf("%s: %s=%d", statusHeader, s.world.lab.address(at(0, 0)), status)}}
}

// ejects says whether the first backend, which answers with status, is left out:
// whether forty answers in a row come from others.
func ejects(status int) func(*Site) (string, error) {
	return func(s *Site) (string, error) {
		if s.leavesOut(s.failing(status)) {
			return "ejected", nil
		}
		return "stays", nil
	}
}

func (s *Site) leavesOut(r Request) bool {
	good := 0
	for range 400 {
		if good++; s.ask(r).Status != 200 {
			good = 0
		}
		if good == 40 {
			return true
		}
	}
	return false
}

// returns says whether the first backend, once ejected, is asked again soon.
func returns(s *Site) (string, error) {
	if !s.leavesOut(s.failing(500)) {
		// It may have come back at once, and often.
		if n, err := s.stat("outlier_detection.ejections_enforced_total"); err != nil || n == 0 {
			return "", fmt.Errorf("is never ejected: %v", err)
		}
		return "returns", nil
	}
	first := s.world.lab.address(at(0, 0))
	if within(soon, func() bool { return s.ask(plain).Endpoint == first }) {
		return "returns", nil
	}
	return "stays away", nil
}

// whileSending asks a statistic of the cluster, under steady traffic, until it is
// at least enough; it says whether that was in time.
func (s *Site) whileSending(stat string, enough int, limit time.Duration, request func(i int) Request) bool {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				s.ask(request(i))
				time.Sleep(8 * time.Millisecond)
			}
		})
	}
	defer wg.Wait()
	defer cancel()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if n, err := s.stat(stat); err == nil && n >= enough {
			return true
		}
	}
	return false
}

// sweeps says whether a counter of ejections rises under steady traffic, of whose
// requests to the first backend every second fails, or all.
func sweeps(counter string, all bool) func(*Site) (string, error) {
	return func(s *Site) (string, error) {
		if s.whileSending(counter, 1, 10*time.Second, func(i int) Request {
			if all || i%4 < 2 {
				return s.failing(500)
			}
			return plain
		}) {
			return "ejected", nil
		}
		return "stays", nil
	}
}

// unreachable says whether an endpoint that refuses connections is ejected.
func unreachable(s *Site) (string, error) {
	for range 40 {
		if a := s.ask(plain); a.Status != 200 { // retries hide the refusals
			return "", fmt.Errorf("answered with %s", statusOf(a))
		}
	}
	n, err := s.stat("outlier_detection.ejections_active")
	if err != nil {
		return "", err
	}
	if n == 1 {
		return "ejected", nil
	}
	return "stays", nil
}

// oftenEjected says whether an endpoint that always fails is ejected fifteen times
// in 18 s. With ejections of 200 ms that takes some 5 s, and if every one is longer
// than the last 21 s.
func oftenEjected(s *Site) (string, error) {
	if s.whileSending("outlier_detection.ejections_enforced_total", 15, 18*time.Second, func(int) Request { return s.failing(500) }) {
		return "often", nil
	}
	return "ever longer", nil
}

// settled measures, once the endpoints that come late are there.
func (s *Site) settled(measure func(*Site) (string, error)) (string, error) {
	want := len(s.Late)
	if want > 0 && !within(patience, func() bool {
		n, err := s.stat("membership_total")
		return err == nil && n == want+len(s.Endpoints)
	}) {
		return "", fmt.Errorf("the late endpoints did not come")
	}
	return measure(s)
}
