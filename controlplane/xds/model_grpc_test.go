package xds

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/translate/envoy"
)

// walk is the order in which a gRPC client finds a target.
var walk = []string{envoy.ListenerType, envoy.RouteType, envoy.ClusterType, envoy.EndpointType}

// grpcModel is a gRPC client on a stream: a target t is the listener t, which names
// the routes t, these the cluster t, and this the endpoints t. It refuses versions
// that end in "x" and uses what it accepted before, and the good resources beside.
type grpcModel struct {
	stream  *Stream
	streams int
	world   *world
	clock   time.Time
	wanted  map[string]bool              // targets
	held    map[string]map[string]string // by type
	sent    map[string][]string          // names of the last request of a type
	nonces  map[string]string
	// versions are those of the last response, also on earlier streams.
	versions map[string]string
	inbox    []Response
	next     time.Time
	broken   string
}

func (m *grpcModel) connect() {
	m.streams++
	m.stream = NewWholeStream(fmt.Sprint(m.streams, "-"), m.world, DefaultLimits())
	m.stream.ByName()
	m.sent, m.nonces, m.inbox = map[string][]string{}, map[string]string{}, nil
	m.ask(walk...)
}

func (m *grpcModel) step(e Event) {
	e.Now = m.clock
	r := m.stream.Step(e)
	if r.Err != nil || r.Wildcard {
		m.fail("%v, wildcard %v", r.Err, r.Wildcard)
	}
	m.inbox = append(m.inbox, r.Responses...)
	m.next = r.NextTick
}

func (m *grpcModel) fail(format string, args ...any) {
	if m.broken == "" {
		m.broken = fmt.Sprintf(format, args...)
	}
}

// names is what the client follows of a type: what the type before it led to.
func (m *grpcModel) names(url string) []string {
	i := slices.Index(walk, url)
	if i == 0 {
		return slices.Sorted(maps.Keys(m.wanted))
	}
	return slices.Sorted(maps.Keys(m.held[walk[i-1]]))
}

// ask says what is wanted of some types, where that is new.
func (m *grpcModel) ask(urls ...string) {
	for _, url := range urls {
		names := m.names(url)
		for name := range m.held[url] {
			if !slices.Contains(names, name) {
				delete(m.held[url], name)
			}
		}
		if asked, known := m.sent[url]; slices.Equal(asked, names) && (known || len(names) == 0) {
			continue
		}
		m.say(url, &Request{})
	}
}

func (m *grpcModel) say(url string, r *Request) {
	r.TypeURL, r.Names, r.Nonce, r.Version = url, m.names(url), m.nonces[url], m.versions[url]
	m.sent[url] = r.Names
	m.step(Event{Request: r})
}

// take applies the oldest response, answers it, and follows where it leads.
func (m *grpcModel) take() {
	r := m.inbox[0]
	m.inbox = m.inbox[1:]
	m.nonces[r.TypeURL], m.versions[r.TypeURL] = r.Nonce, r.Version
	asked := m.sent[r.TypeURL]
	here := map[string]bool{}
	answer := &Request{}
	for _, res := range r.Resources {
		if here[res.Name] || len(res.Body) == 0 || res.TypeURL == "" {
			m.fail("%s stands twice, or is empty", res.Name)
		}
		here[res.Name] = true
		switch {
		case bad(res.Version):
			answer.Refused, answer.Message = true, res.Name+": bad"
		case slices.Contains(asked, res.Name):
			m.held[r.TypeURL][res.Name] = res.Version
		}
	}
	if r.TypeURL == envoy.ListenerType || r.TypeURL == envoy.ClusterType {
		for name := range m.held[r.TypeURL] {
			if !here[name] {
				delete(m.held[r.TypeURL], name)
			}
		}
	}
	m.say(r.TypeURL, answer)
	m.ask(walk...)
}

func (m *grpcModel) publish(t *rapid.T, names []string) {
	next := m.world.clone()
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 3, rapid.ID).Draw(t, "names") {
		gone := rapid.IntRange(0, 3).Draw(t, "gone") == 0
		for _, url := range walk {
			switch {
			case gone:
				delete(next.resources[url], name)
			case next.Get(url, name) == nil || rapid.Bool().Draw(t, "changes"):
				version := fmt.Sprint(rapid.IntRange(1, 1000).Draw(t, "version"))
				if rapid.IntRange(0, 9).Draw(t, "bad") == 0 {
					version += "x"
				}
				next.set(url, name, version)
			}
		}
	}
	u := diff(m.world, next, m.clock)
	m.world = next
	m.step(Event{Update: u})
}

func (m *grpcModel) settle(t *rapid.T) {
	for range 5000 {
		switch {
		case len(m.inbox) > 0:
			m.take()
		case !m.next.IsZero():
			m.clock = m.next
			m.step(Event{})
		default:
			return
		}
	}
	t.Fatal("it never settles")
}

// lacks says where the client differs from the world; a bad version must not be held,
// and what it held before may be.
func (m *grpcModel) lacks() string {
	for _, url := range walk {
		for _, name := range m.names(url) {
			have, held := m.held[url][name]
			res := m.world.Get(url, name)
			switch {
			case res != nil && !bad(res.Version) && have != res.Version:
				return fmt.Sprintf("%s %s is %q, not %q", shortType(url), name, have, res.Version)
			case res == nil && held && (url == envoy.ListenerType || url == envoy.ClusterType):
				return fmt.Sprintf("%s %s is gone, and held", shortType(url), name)
			}
		}
	}
	return ""
}

// TestModelGRPC: a gRPC client that comes and goes for targets, refuses some
// resources and reconnects ends with what the source has for its targets, whatever
// the order of things; and once it wants nothing it hears nothing.
func TestModelGRPC(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &grpcModel{world: newWorld(), clock: time.Unix(1000, 0), wanted: map[string]bool{}, versions: map[string]string{}, held: map[string]map[string]string{}}
		for _, url := range walk {
			m.held[url] = map[string]string{}
		}
		names := []string{"a", "b", "c", "d"}
		m.connect()
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				if m.broken != "" {
					t.Fatal(m.broken)
				}
			},
			"publish": func(t *rapid.T) { m.publish(t, names) },
			"hear": func(*rapid.T) {
				if len(m.inbox) > 0 {
					m.take()
				}
			},
			"dial": func(t *rapid.T) {
				m.wanted[rapid.SampledFrom(names).Draw(t, "target")] = true
				m.ask(walk...)
			},
			"hang up": func(t *rapid.T) {
				delete(m.wanted, rapid.SampledFrom(names).Draw(t, "target"))
				m.ask(walk...)
			},
			"reconnect": func(*rapid.T) { m.connect() },
		})
		m.settle(t)
		if what := m.lacks(); what != "" {
			t.Fatal(what)
		}
		clear(m.wanted)
		m.ask(walk...)
		m.settle(t)
		m.publish(t, names)
		m.step(Event{Update: &Update{Source: m.world, All: true}})
		if len(m.inbox) > 0 {
			t.Fatalf("it wants nothing and hears %+v", m.inbox)
		}
	})
}
