package xds

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/coastwise/coastwise/translate/envoy"
)

type counting struct {
	*world
	gets int
}

func (c *counting) Get(url, name string) *envoy.Resource {
	c.gets++
	return c.world.Get(url, name)
}

// TestManyNames: 100,000 names are served in linear work, 32 responses at a time.
func TestManyNames(t *testing.T) {
	const n = 100_000
	w := &counting{world: newWorld()}
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("outbound|80||s%06d.default.svc.cluster.local", i))
		w.set(envoy.EndpointType, names[i], "1")
	}
	s := NewStream("", w, DefaultLimits())
	queue := s.Step(Event{Request: &Request{TypeURL: envoy.EndpointType, Subscribe: names}}).Responses
	got := 0
	for len(queue) > 0 {
		if len(queue) > 32 {
			t.Fatalf("%d responses in flight", len(queue))
		}
		r := queue[0]
		got += len(r.Resources)
		queue = append(queue[1:], s.Step(Event{Request: &Request{TypeURL: envoy.EndpointType, Nonce: r.Nonce}}).Responses...)
	}
	if got != n || w.gets > 3*n {
		t.Fatalf("%d of %d resources, the source was asked %d times", got, n, w.gets)
	}
}

// TestMissingNames: names that do not exist are bounded, however they are asked for.
func TestMissingNames(t *testing.T) {
	s := NewStream("", newWorld(), DefaultLimits())
	ask := func(from, to int) Result {
		r := &Request{TypeURL: envoy.EndpointType}
		for i := from; i < to; i++ {
			r.Subscribe = append(r.Subscribe, fmt.Sprint("n", i))
		}
		return s.Step(Event{Request: r})
	}
	if err := ask(0, 1000).Err; err != nil {
		t.Fatal(err)
	}
	if err := ask(0, 1000).Err; err != nil {
		t.Fatalf("the same names again: %v", err)
	}
	s.Step(Event{Request: &Request{TypeURL: envoy.EndpointType, Unsubscribe: []string{"n0"}}})
	if err := ask(1000, 1001).Err; err != nil {
		t.Fatalf("one for another: %v", err)
	}
	if err := ask(1001, 1002).Err; err == nil {
		t.Fatal("1,001 names that do not exist are accepted")
	}
}

// TestMassDeletion: names that existed once do not count as missing.
func TestMassDeletion(t *testing.T) {
	w := newWorld()
	for i := range 3000 {
		w.set(envoy.EndpointType, fmt.Sprint("n", i), "1")
	}
	names := slices.Sorted(maps.Keys(w.resources[envoy.EndpointType]))
	s := NewStream("", w, DefaultLimits())
	s.Step(Event{Request: &Request{TypeURL: envoy.EndpointType, Subscribe: names}})
	s.Step(Event{Update: &Update{Source: newWorld(), All: true}})
	r := s.Step(Event{Request: &Request{TypeURL: envoy.EndpointType, Subscribe: []string{"n1", "new"}}})
	if r.Err != nil {
		t.Fatal(r.Err)
	}
}

// TestLongName: a name of more than 1 KB ends the stream.
func TestLongName(t *testing.T) {
	for n, fails := range map[int]bool{1024: false, 1025: true} {
		name := string(make([]byte, n))
		for _, r := range []*Request{
			{TypeURL: envoy.EndpointType, Subscribe: []string{name}},
			{TypeURL: envoy.EndpointType, Unsubscribe: []string{name}},
			{TypeURL: envoy.ClusterType, Initial: map[string]string{name: "1"}},
		} {
			err := NewStream("", newWorld(), DefaultLimits()).Step(Event{Request: r}).Err
			if (err != nil) != fails {
				t.Errorf("%d bytes: %v", n, err)
			}
		}
	}
}

// TestBatchBounds: settled endpoints share a response up to 20 and up to 64 KB.
func TestBatchBounds(t *testing.T) {
	for _, c := range []struct{ bytes, per int }{{100, 20}, {20 << 10, 3}, {100 << 10, 1}} {
		w := newWorld()
		var names []string
		initial := map[string]string{}
		for i := range 60 {
			name := fmt.Sprintf("n%02d", i)
			names = append(names, name)
			initial[name] = "0"
			w.resources[envoy.EndpointType][name] = &envoy.Resource{
				TypeURL: envoy.EndpointType, Name: name, Version: "1", Body: make([]byte, c.bytes),
			}
		}
		s := NewStream("", w, DefaultLimits())
		s.Step(Event{Request: &Request{TypeURL: envoy.ClusterType, Subscribe: []string{"*"}}})
		r := s.Step(Event{Request: &Request{TypeURL: envoy.EndpointType, Subscribe: names, Initial: initial}})
		want := min(32, 60/c.per)
		if len(r.Responses) != want {
			t.Errorf("%d bytes each: %d responses, want %d", c.bytes, len(r.Responses), want)
		}
		for _, v := range r.Responses {
			if len(v.Resources) != c.per {
				t.Errorf("%d bytes each: %d in one response, want %d", c.bytes, len(v.Resources), c.per)
			}
		}
	}
}

// TestFlapping: a cluster that comes and goes while its removal is held back
// takes no memory for each time.
func TestFlapping(t *testing.T) {
	first, with, without := newWorld(), newWorld(), newWorld()
	first.set(envoy.ClusterType, "b", "1") // goes first, and waits at the head
	for _, w := range []*world{first, with} {
		w.set(envoy.ClusterType, "c", "1")
	}
	for _, w := range []*world{first, with, without} {
		w.set(envoy.RouteType, "r", "1")
	}
	s := NewStream("", first, DefaultLimits())
	for _, r := range []*Request{
		{TypeURL: envoy.ClusterType, Subscribe: []string{"*"}},
		{TypeURL: envoy.ClusterType, Nonce: "1"},
		{TypeURL: envoy.RouteType, Subscribe: []string{"r"}}, // never answered
	} {
		s.Step(Event{Request: r})
	}
	s.Step(Event{Update: diff(first, with, time.Time{})})
	for range 1000 {
		s.Step(Event{Update: diff(with, without, time.Time{})})
		if !s.clusters.has(removals) {
			t.Fatal("the removal does not wait")
		}
		s.Step(Event{Update: diff(without, with, time.Time{})})
	}
	for q := range s.clusters.waiting {
		if n := len(s.clusters.waiting[q].items); n > 20 {
			t.Errorf("queue %d holds %d slots for one name", q, n)
		}
	}
}

// FuzzStep: no sequence of requests and publishes makes it panic, repeat a name
// in a response, or send more than the window.
func FuzzStep(f *testing.F) {
	f.Add([]byte("\x00\x01\x02\x03\x04\x05\x06\x07 subscribe and publish"))
	f.Add(binary.BigEndian.AppendUint64(nil, 0x0102030405060708))
	f.Fuzz(func(t *testing.T, in []byte) {
		urls := []string{envoy.ClusterType, envoy.EndpointType, envoy.ListenerType, envoy.RouteType, "other"}
		names := []string{"a", "b", "c", "*", "", "zz"}
		w := newWorld()
		s := NewStream("", w, DefaultLimits())
		c := newClient()
		var sent []Response
		clock := time.Unix(1000, 0)
		for len(in) >= 4 && len(sent) < 1000 {
			op, x, y, z := in[0], in[1], in[2], in[3]
			in = in[4:]
			e := Event{}
			switch op % 8 {
			case 0, 1:
				next := w.clone()
				url, name := urls[int(x)%4], names[int(y)%3]
				if z%3 == 0 {
					delete(next.resources[url], name)
				} else {
					next.set(url, name, fmt.Sprint(z))
				}
				e.Update = diff(w, next, clock)
				e.Update.All = op%16 < 2
				w = next
			case 2:
				clock = clock.Add(time.Duration(x) * 100 * time.Millisecond)
			default:
				e.Request = &Request{TypeURL: urls[int(x)%len(urls)], Refused: op&8 != 0, Message: names[int(op)%6]}
				if op&16 != 0 {
					e.Request.Subscribe = []string{names[int(y)%6], names[int(z)%6]}
				}
				if op&32 != 0 {
					e.Request.Unsubscribe = []string{names[int(z)%6]}
				}
				if op&64 != 0 {
					e.Request.Initial = map[string]string{names[int(y)%6]: fmt.Sprint(z)}
				}
				if len(sent) > 0 {
					r := sent[int(z)%len(sent)]
					e.Request.Nonce = r.Nonce
					if op&128 != 0 {
						e.Request.TypeURL = r.TypeURL
					}
				}
			}
			e.Now = clock
			r := s.Step(e)
			for _, v := range r.Responses {
				c.check(v)
			}
			sent = append(sent, r.Responses...)
			for _, st := range s.types {
				if n := len(st.inflight); n > 1 && (st != s.endpoints || n > 32) {
					t.Fatalf("%d in flight of %s", n, st.url)
				}
			}
			if c.broken != "" || r.Err != nil {
				t.Fatal(c.broken, r.Err)
			}
			s.Summary()
			s.Dump()
		}
	})
}
