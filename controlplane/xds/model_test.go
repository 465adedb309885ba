package xds

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/translate/envoy"
)

// mesh is a stream, its client, and the world that changes under them.
type mesh struct {
	clock     time.Time
	world     *world
	stream    *Stream
	streams   int
	client    *client
	toServer  []*Request
	version   int
	inflight  map[string]map[string]int // by type and nonce, which response it is
	sent      int
	nextTick  time.Time
	wakesLost bool // updates say All, as the oracle of the index does
}

func newMesh(mute, wakesLost, whole bool) *mesh {
	m := &mesh{clock: time.Unix(1000, 0), world: newWorld(), client: newClient(), wakesLost: wakesLost}
	m.client.mute, m.client.whole = mute, whole
	return m
}

func (m *mesh) connect(order []string) {
	m.streams++
	begin := NewStream
	if m.client.whole {
		begin = NewWholeStream
	}
	limits := DefaultLimits()
	limits.Removals = 1 + m.streams%2
	m.stream = begin(fmt.Sprint(m.streams, "-"), m.world, limits)
	m.client.nonces, m.client.fresh = map[string]string{}, true
	m.toServer, m.client.inbox, m.client.asked = nil, nil, map[string]bool{}
	m.inflight = map[string]map[string]int{}
	for _, url := range order {
		m.toServer = append(m.toServer, m.client.first(url))
	}
}

func (m *mesh) step(e Event) {
	e.Now = m.clock
	r := m.stream.Step(e)
	if r.Err != nil {
		m.client.fail("the stream ended: %v", r.Err)
	}
	if got, want := m.stream.Progress(), slowProgress(m.stream); !reflect.DeepEqual(got, want) {
		m.client.fail("progress %+v, all slots say %+v", got, want)
	}
	if e.Request != nil {
		m.answered(e.Request)
	}
	for _, res := range r.Responses {
		if m.inflight[res.TypeURL] == nil {
			m.inflight[res.TypeURL] = map[string]int{}
		}
		m.sent++
		m.inflight[res.TypeURL][res.Nonce] = m.sent
		most := 1
		if res.TypeURL == envoy.EndpointType {
			most = DefaultLimits().Window
		}
		if n := len(m.inflight[res.TypeURL]); n > most {
			m.client.fail("%d responses of %s in flight", n, res.TypeURL)
		}
		if res.TypeURL == envoy.ClusterType && len(res.Removed) > m.stream.limits.Removals {
			m.client.fail("%d clusters go at once", len(res.Removed))
		}
	}
	m.client.inbox = append(m.client.inbox, r.Responses...)
	m.nextTick = r.NextTick
}

func (m *mesh) answered(r *Request) {
	flying := m.inflight[r.TypeURL]
	if _, ok := flying[r.Nonce]; !ok {
		return
	}
	for nonce, number := range flying {
		if nonce == r.Nonce || m.client.whole && number < flying[r.Nonce] {
			delete(flying, nonce)
		}
	}
}

func (m *mesh) deliver() {
	m.step(Event{Request: m.toServer[0]})
	m.toServer = m.toServer[1:]
}

// publish changes some of the world; routes name only clusters that exist.
func (m *mesh) publish(t *rapid.T, names []string) {
	next := m.world.clone()
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 3, rapid.ID).Draw(t, "names") {
		switch rapid.SampledFrom([]string{"set", "endpoints", "endpoints", "gone"}).Draw(t, "change") {
		case "set":
			next.set(envoy.ClusterType, name, m.draw(t))
			m.client.wanted[key(envoy.ClusterType, name)]++
			if next.Get(envoy.EndpointType, name) == nil {
				next.set(envoy.EndpointType, name, m.draw(t))
				m.client.wanted[key(envoy.EndpointType, name)]++
			}
		case "endpoints":
			if next.Get(envoy.ClusterType, name) != nil {
				next.set(envoy.EndpointType, name, m.draw(t))
				m.client.wanted[key(envoy.EndpointType, name)]++
			}
		case "gone":
			delete(next.resources[envoy.ClusterType], name)
			delete(next.resources[envoy.EndpointType], name)
		}
	}
	next.set(envoy.RouteType, "r", m.draw(t), next.Names(envoy.ClusterType)...)
	m.client.wanted[key(envoy.RouteType, "r")]++
	if next.Get(envoy.ListenerType, "l") == nil || rapid.IntRange(0, 5).Draw(t, "listener") == 0 {
		next.set(envoy.ListenerType, "l", m.draw(t))
		m.client.wanted[key(envoy.ListenerType, "l")]++
	}
	u := diff(m.world, next, m.clock)
	if m.wakesLost {
		u = &Update{Source: next, All: true}
	}
	m.world = next
	m.step(Event{Update: u})
}

// draw is a new version; one in eight is refused.
func (m *mesh) draw(t *rapid.T) string {
	m.version++
	if rapid.IntRange(0, 7).Draw(t, "bad") == 0 {
		return fmt.Sprint(m.version, "x")
	}
	return fmt.Sprint(m.version)
}

// merge does what Envoy does with a state of the world while a type is paused:
// of what it has to say about a type it says the last only.
func (m *mesh) merge() {
	if !m.client.whole {
		return
	}
	last := map[string]*Request{}
	for _, r := range m.toServer {
		last[r.TypeURL] = r
	}
	m.toServer = slices.DeleteFunc(m.toServer, func(r *Request) bool { return r != last[r.TypeURL] && !r.Refused })
}

// settle lets everything arrive and every wait end.
func (m *mesh) settle(t *rapid.T) {
	for range 20000 {
		switch {
		case len(m.client.inbox) > 0:
			m.toServer = append(m.toServer, m.client.take()...)
		case len(m.toServer) > 0:
			m.deliver()
		case !m.nextTick.IsZero():
			m.clock = m.nextTick
			m.step(Event{})
		default:
			return
		}
	}
	t.Fatal("it never settles")
}

// TestModel: whatever the order of requests, publishes, refusals and
// reconnects, the client ends with what the source has, no response holds a name
// twice, nothing is sent more often than needed, and no route names a cluster
// that the client does not hold.
func TestModel(t *testing.T) {
	for name, whole := range map[string]bool{"delta": false, "sotw": true} {
		t.Run(name, func(t *testing.T) { testModel(t, whole) })
	}
}

func testModel(t *testing.T, whole bool) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMesh(rapid.Bool().Draw(t, "mute"), rapid.Bool().Draw(t, "all"), whole)
		names := []string{"a", "b", "c", "d", "e"}
		orders := [][]string{
			{envoy.ClusterType, envoy.EndpointType, envoy.ListenerType, envoy.RouteType},
			{envoy.EndpointType, envoy.ClusterType, envoy.ListenerType, envoy.RouteType},
		}
		m.connect(orders[0])
		waits := 0
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				if m.client.broken != "" {
					t.Fatal(m.client.broken)
				}
			},
			"publish": func(t *rapid.T) { m.publish(t, names) },
			"client": func(t *rapid.T) {
				if len(m.client.inbox) > 0 {
					m.toServer = append(m.toServer, m.client.take()...)
				}
			},
			"merge": func(t *rapid.T) { m.merge() },
			"server": func(t *rapid.T) {
				if len(m.toServer) > 0 {
					m.deliver()
				}
			},
			"wait": func(t *rapid.T) {
				if waits++; waits < 19 { // below the 2 s after which order gives way
					m.clock = m.clock.Add(100 * time.Millisecond)
					m.step(Event{})
				}
			},
			"reconnect": func(t *rapid.T) {
				for k := range m.client.bodies {
					m.client.wanted[k]++ // what was in flight is lost
				}
				for _, name := range names {
					m.client.wanted[key(envoy.ClusterType, name)]++
				}
				m.client.wanted[key(envoy.ListenerType, "l")]++
				m.connect(rapid.SampledFrom(orders).Draw(t, "order"))
			},
		})
		m.settle(t)
		m.client.matches(m.world)
		m.progressed()
		m.step(Event{Update: &Update{Source: m.world, All: true}})
		if n := len(m.client.inbox); n > 0 {
			m.client.fail("%d responses after an update that changes nothing: %+v", n, m.client.inbox)
		}
		if m.client.broken != "" {
			t.Fatal(m.client.broken)
		}
	})
}

// TestRefusesAll: a client that refuses everything gets each version once, or
// twice if it was in a batch first, and ever more slowly.
func TestRefusesAll(t *testing.T) {
	w := newWorld()
	for i := range 100 {
		w.set(envoy.ClusterType, fmt.Sprintf("c%03d", i), "1")
		w.set(envoy.EndpointType, fmt.Sprintf("c%03d", i), "1")
	}
	names := w.Names(envoy.ClusterType)
	clock := time.Unix(1000, 0)
	s := NewStream("", w, DefaultLimits())
	count := map[string]int{}
	refusals := 0
	var queue []Response
	var next time.Time
	var pauses []time.Duration
	do := func(e Event) {
		e.Now = clock
		r := s.Step(e)
		queue = append(queue, r.Responses...)
		refusals += len(r.Refusals)
		next = r.NextTick
	}
	do(Event{Request: &Request{TypeURL: envoy.ClusterType, Subscribe: []string{"*"}}})
	do(Event{Request: &Request{TypeURL: envoy.EndpointType, Subscribe: names}})
	for len(queue) > 0 || !next.IsZero() {
		if len(queue) == 0 {
			pauses = append(pauses, next.Sub(clock))
			clock = next
			do(Event{})
			continue
		}
		r := queue[0]
		queue = queue[1:]
		for _, res := range r.Resources {
			count[key(r.TypeURL, res.Name)]++
		}
		do(Event{Request: &Request{TypeURL: r.TypeURL, Nonce: r.Nonce, Refused: true, Message: "no"}})
	}
	for _, name := range names {
		if count[key(envoy.ClusterType, name)] != 2 || count[key(envoy.EndpointType, name)] != 1 {
			t.Errorf("%s: %d times in a batch type, %d times singly", name, count[key(envoy.ClusterType, name)], count[key(envoy.EndpointType, name)])
		}
	}
	if refusals != 200 {
		t.Errorf("%d refusals", refusals)
	}
	if !slices.Equal(pauses, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}) {
		t.Errorf("pauses %v", pauses)
	}
	// A changed version is sent when the pause ends, and an ACK ends the slow-down.
	v := w.clone()
	v.set(envoy.EndpointType, "c000", "2")
	do(Event{Update: diff(w, v, clock)})
	for len(queue) == 0 && !next.IsZero() {
		clock = next
		do(Event{})
	}
	if len(queue) != 1 || queue[0].Resources[0].Version != "2" {
		t.Fatalf("a changed version is not sent: %+v", queue)
	}
	do(Event{Request: &Request{TypeURL: envoy.EndpointType, Nonce: queue[0].Nonce}})
	u := v.clone()
	u.set(envoy.EndpointType, "c000", "3")
	queue = nil
	do(Event{Update: diff(v, u, clock)})
	if len(queue) != 1 {
		t.Fatal("the client is still slowed down after an ACK")
	}
}

// counting counts how often it is asked.
