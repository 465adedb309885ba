package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// spent is CPU time of both processes. As the beginning of something it is what they
// had used before, and since says when; took is how long it took.
type spent struct {
	envoy, server time.Duration
	since         time.Time
	took          time.Duration
}

const (
	// glance is how often the processes are looked at, and calm how long neither may have
	// done anything: an Envoy counts its statistics every 5 s, which is not that.
	glance = 100 * time.Millisecond
	calm   = 1500 * time.Millisecond
)

// now is what both have used so far.
func (p *pair) now() (spent, error) {
	s := spent{since: time.Now()}
	var err error
	if s.server, err = cpuOf(p.server.Pid()); err != nil {
		return s, err
	}
	s.envoy, err = cpuOf(p.envoy.Pid())
	return s, err
}

// settle waits until both are calm, and is what they used since from. A glance in which
// one used a tick or less is calm, if the Envoy then answers without using more: on a
// busy machine it may only have had no turn.
func (p *pair) settle(ctx context.Context, from spent) (spent, error) {
	last, quiet := from, from
	deadline := from.since.Add(patience)
	for {
		select {
		case <-ctx.Done():
			return last, ctx.Err()
		case <-time.After(glance):
		}
		if last.since.Sub(quiet.since) >= calm {
			if err := p.envoy.WaitReady(deadline); err != nil {
				return last, err
			}
		}
		at, err := p.now()
		if err != nil {
			return last, err
		}
		if at.since.After(deadline) {
			return last, fmt.Errorf("not quiet within %s", patience)
		}
		if at.envoy-last.envoy > tick || at.server-last.server > tick {
			quiet = at
		} else if last.since.Sub(quiet.since) >= calm {
			return spent{envoy: last.envoy - from.envoy, server: last.server - from.server, took: quiet.since.Sub(from.since)}, nil
		}
		last = at
	}
}

// complete fails unless the Envoy has taken all that it was sent. It is how many
// clusters and listeners did without something that did not come within 15 s, Envoy's
// patience, before they had it after all.
func (p *pair) complete(ctx context.Context) (late int, err error) {
	stats, err := p.stats(ctx, "warming|rejected|init_fetch_timeout")
	if err != nil {
		return 0, err
	}
	for name, n := range stats {
		if strings.HasSuffix(name, "init_fetch_timeout") {
			late += n
		} else if n != 0 {
			return 0, fmt.Errorf("%s is %d", name, n)
		}
	}
	return late, nil
}

// stats are the numbers whose names match.
func (p *pair) stats(ctx context.Context, filter string) (map[string]int, error) {
	var body []byte
	err := p.envoy.Await(time.Now().Add(patience), func() (err error) {
		body, err = p.envoy.Get(ctx, "/stats?format=json&type=All&filter="+filter)
		return err
	})
	if err != nil {
		return nil, err
	}
	var page struct {
		Stats []struct {
			Name  string `json:"name"`
			Value int    `json:"value"`
		} `json:"stats"`
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return nil, fmt.Errorf("reading /stats: %w", err)
	}
	out := map[string]int{}
	for _, s := range page.Stats {
		out[s.Name] = s.Value
	}
	return out, nil
}

// idling is the Envoy's CPU while nothing happens, over some of its rounds of statistics.
func (p *pair) idling(ctx context.Context) (float64, error) {
	const rounds = 15 * time.Second
	before, err := p.now()
	if err != nil {
		return 0, err
	}
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(rounds):
	}
	after, err := p.now()
	return float64(after.envoy-before.envoy) / float64(after.since.Sub(before.since)), err
}

// push is what was sent of one type.
type push struct{ responses, resources, bytes int }

// String is RESOURCES, their size, and in how many responses.
func (p push) String() string {
	return fmt.Sprintf("%d, %d kB in %d", p.resources, p.bytes>>10, p.responses)
}

// pushes are what the server has sent so far, by type.
func (p *pair) pushes(ctx context.Context) (map[string]push, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.server.Admin+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	return parsePushes(string(body)), nil
}

// parsePushes reads three families of the text format: FAMILY{type="TYPE"} NUMBER.
func parsePushes(metrics string) map[string]push {
	out := map[string]push{}
	for line := range strings.Lines(metrics) {
		family, rest, _ := strings.Cut(strings.TrimSpace(line), `{type="`)
		name, number, ok := strings.Cut(rest, `"} `)
		n, err := strconv.ParseFloat(number, 64)
		if !ok || err != nil {
			continue
		}
		one := out[name]
		switch family {
		case "coastwise_pushes_total":
			one.responses = int(n)
		case "coastwise_push_resources_total":
			one.resources = int(n)
		case "coastwise_push_bytes_total":
			one.bytes = int(n)
		}
		out[name] = one
	}
	return out
}
