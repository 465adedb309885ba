package xds

import (
	"fmt"
	"testing"
	"time"

	"github.com/coastwise/coastwise/translate/envoy"
)

// slowProgress looks at every slot.
func slowProgress(s *Stream) Progress {
	var p Progress
	for _, t := range s.types {
		p.Listens = p.Listens || t.asked && t.url == envoy.ListenerType
		for name, sl := range t.slots {
			n := envoy.ResourceName{TypeURL: t.url, Name: name}
			r := s.source.Get(t.url, name)
			switch {
			case !t.asked:
			case r != nil && sl.refused != nil && sl.refused.version == r.Version && sl.held != r.Version:
				if p.Refused == nil {
					p.Refused = map[envoy.ResourceName]string{}
				}
				p.Refused[n] = sl.refused.message
			case sl.flying || sl.queue != nowhere:
				if p.Behind == nil {
					p.Behind = map[envoy.ResourceName]bool{}
				}
				p.Behind[n] = true
			}
		}
	}
	return p
}

// progressed holds the progress of a stream on which nothing moves any more against
// what the client has: each resource is in force, or refused. What is behind is gone,
// and stays for the sake of a refused route.
func (m *mesh) progressed() {
	p := m.stream.Progress()
	for _, t := range m.stream.types {
		for name, sl := range t.slots {
			n := envoy.ResourceName{TypeURL: t.url, Name: name}
			r := m.world.Get(t.url, name)
			if !t.asked || !sl.named && t.wildcard == noWildcard {
				continue
			}
			_, refused := p.Refused[n]
			if r != nil && (p.Behind[n] || refused == (m.client.held[t.url][name] == r.Version)) || r == nil && refused {
				m.client.fail("%v: behind %v, refused %v, held %q, is %+v", n, p.Behind[n], refused, m.client.held[t.url][name], r)
			}
		}
	}
}

// TestProgress is one resource's way: sent, refused, and with another version again.
// A stream that is settled says so without a look at its slots.
func TestProgress(t *testing.T) {
	w := newWorld()
	w.set(envoy.ClusterType, "a", "1")
	s := NewStream("", w, DefaultLimits())
	a := envoy.ResourceName{TypeURL: envoy.ClusterType, Name: "a"}
	is := func(what string, behind, refused bool) {
		t.Helper()
		p := s.Progress()
		if message, no := p.Refused[a]; p.Behind[a] != behind || no != refused || refused && message != "why" || len(p.Behind)+len(p.Refused) > 1 {
			t.Errorf("%s: %+v", what, p)
		}
	}
	step := func(e Event) (nonce string) {
		e.Now = time.Unix(1000, 0)
		for _, r := range s.Step(e).Responses {
			nonce = r.Nonce
		}
		return nonce
	}
	set := func(version string) string {
		w = w.clone()
		w.set(envoy.ClusterType, "a", version)
		return step(Event{Update: &Update{Source: w, Names: []string{"a"}}})
	}
	is("not asked", false, false)
	nonce := step(Event{Request: &Request{TypeURL: envoy.ClusterType, Subscribe: []string{"*"}}})
	is("sent", true, false)
	step(Event{Request: &Request{TypeURL: envoy.ClusterType, Nonce: nonce}})
	is("accepted", false, false)
	second := set("2")
	is("changed", true, false)
	step(Event{Request: &Request{TypeURL: envoy.ClusterType, Nonce: second, Refused: true, Message: "why"}})
	is("refused", false, true)
	third := set("3")
	is("mended", true, false)
	set("2")
	is("refused, while another version is on its way", false, true)
	fourth := step(Event{Request: &Request{TypeURL: envoy.ClusterType, Nonce: third}})
	is("sent once more, since another version was accepted", true, false)
	step(Event{Request: &Request{TypeURL: envoy.ClusterType, Nonce: fourth, Refused: true, Message: "why"}})
	is("refused once more", false, true)
	set("3")
	is("what is held again", false, false)
}

// TestProgressWhileTaking asks for the progress when the Hub has given an update away
// and the stream has not looked at it: the stream must not say that it is settled.
func TestProgressWhileTaking(t *testing.T) {
	r := newRig(t, nil)
	p := r.open().say(ask(node("default/x"), envoy.ClusterType, "*"))
	p.say(ack(p.hear()))
	r.eventually("the ACK counts", func() bool { return r.Proxies()[0].Types[0].Synced })
	asked := make(chan Progress, 1)
	r.hub.mu.Lock()
	r.hub.onTake = func(m *testMember) {
		r.hub.onTake = nil
		go func(progress func() Progress) { asked <- progress() }(m.progress)
		time.Sleep(20 * time.Millisecond) // for the answer, if it did not wait
	}
	r.hub.mu.Unlock()
	r.hub.publish(func(w *world) { w.set(envoy.ClusterType, "a", "2") })
	if got := <-asked; !got.Behind[envoy.ResourceName{TypeURL: envoy.ClusterType, Name: "a"}] {
		t.Errorf("%+v", got)
	}
}

// BenchmarkProgress asks a settled stream of 2,000 resources.
func BenchmarkProgress(b *testing.B) {
	w := newWorld()
	for i := range 2000 {
		w.set(envoy.ClusterType, fmt.Sprint(i), "1")
	}
	s := NewStream("", w, DefaultLimits())
	r := s.Step(Event{Now: time.Unix(1, 0), Request: &Request{TypeURL: envoy.ClusterType, Subscribe: []string{"*"}}})
	s.Step(Event{Now: time.Unix(1, 0), Request: &Request{TypeURL: envoy.ClusterType, Nonce: r.Responses[0].Nonce}})
	b.ReportAllocs()
	for b.Loop() {
		if p := s.Progress(); p.Behind != nil || p.Refused != nil {
			b.Fatal(p)
		}
	}
}
