package xds

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/workload"
)

// table is a Source of what ztunnels are served.
type table map[string]map[string]*envoy.Resource

func (w table) Names(url string) (out []string) {
	for name := range w[url] {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func (w table) Get(url, name string) *envoy.Resource { return w[url][name] }

func (w table) set(url, name, version string, bytes int) {
	if w[url] == nil {
		w[url] = map[string]*envoy.Resource{}
	}
	w[url][name] = &envoy.Resource{TypeURL: url, Name: name, Version: version, Body: make([]byte, bytes)}
}

func ofZtunnel(w table, limits Limits) *Stream {
	s := NewStream("n", w, limits)
	s.OfZtunnel()
	return s
}

// A world that does not fit one response comes in several, at once and whole.
func TestLargeWorldComesInParts(t *testing.T) {
	w := table{}
	for i := range 100 {
		w.set(workload.AddressType, fmt.Sprintf("w%03d", i), "1", 100)
	}
	limits := DefaultLimits()
	limits.LargeBytes = 1000
	s := ofZtunnel(w, limits)
	now := time.Unix(1000, 0)
	got := map[string]bool{}
	r := s.Step(Event{Now: now, Request: &Request{TypeURL: workload.AddressType}}).Responses
	for _, response := range r {
		bytes := 0
		for _, res := range response.Resources {
			bytes += len(res.Body)
			got[res.Name] = true
		}
		if bytes > limits.LargeBytes {
			t.Errorf("a response has %d bytes", bytes)
		}
	}
	if len(got) != 100 || len(r) != 10 {
		t.Errorf("%d of 100 resources in %d responses", len(got), len(r))
	}
	limits.Window = 3
	s = ofZtunnel(w, limits)
	r = s.Step(Event{Now: now, Request: &Request{TypeURL: workload.AddressType}}).Responses
	for sent := 0; sent < 10; sent++ {
		if sent < 7 && len(r) != 3 {
			t.Fatalf("after %d: %d in flight, want 3", sent, len(r))
		}
		r = append(r[1:], s.Step(Event{Now: now, Request: &Request{TypeURL: workload.AddressType, Nonce: r[0].Nonce}}).Responses...)
	}
	if len(r) != 0 {
		t.Errorf("%d responses too many", len(r))
	}
}

// What may name a policy waits for a client to ask for policies, and not for ever.
func TestWorkloadsWaitForPolicies(t *testing.T) {
	w := table{}
	w.set(workload.AddressType, "w", "1", 1)
	w.set(workload.AuthorizationType, "p", "1", 1)
	s := ofZtunnel(w, DefaultLimits())
	now := time.Unix(1000, 0)
	r := s.Step(Event{Now: now, Request: &Request{TypeURL: workload.AddressType}})
	if len(r.Responses) > 0 || r.NextTick.IsZero() {
		t.Fatalf("sent %v, next %v", r.Responses, r.NextTick)
	}
	late := s.Step(Event{Now: r.NextTick})
	if len(late.Responses) != 1 || len(late.Responses[0].Resources) != 1 {
		t.Errorf("after the wait: %v", late.Responses)
	}

	s = ofZtunnel(w, DefaultLimits())
	s.Step(Event{Now: now, Request: &Request{TypeURL: workload.AddressType}})
	both := s.Step(Event{Now: now, Request: &Request{TypeURL: workload.AuthorizationType}}).Responses
	if len(both) != 2 || both[0].TypeURL != workload.AuthorizationType || both[1].TypeURL != workload.AddressType {
		t.Errorf("%v", both)
	}
	// One that is not answered yet and differs by now holds up what may name it.
	w.set(workload.AuthorizationType, "p", "2", 1)
	w.set(workload.AddressType, "w2", "1", 1)
	if r := s.Step(Event{Now: now, Update: &Update{Source: w, Names: []string{"p", "w2"}}}); len(r.Responses) > 0 {
		t.Errorf("%v", r.Responses)
	}
	after := s.Step(Event{Now: now, Request: &Request{TypeURL: workload.AuthorizationType, Nonce: both[0].Nonce}}).Responses
	if len(after) != 2 || after[0].TypeURL != workload.AuthorizationType || after[0].Resources[0].Version != "2" {
		t.Errorf("%v", after)
	}

	none := table{}
	none.set(workload.AddressType, "w", "1", 1)
	if r := ofZtunnel(none, DefaultLimits()).Step(Event{Now: now, Request: &Request{TypeURL: workload.AddressType}}); len(r.Responses) != 1 {
		t.Error("where there is no policy nothing waits for one")
	}
}

// A client that refuses every response is not sent anything again that has not changed.
func TestZtunnelRefusalsEnd(t *testing.T) {
	w := table{}
	for i := range 50 {
		w.set(workload.AddressType, fmt.Sprint("w", i), "1", 1)
	}
	s := ofZtunnel(w, DefaultLimits())
	now := time.Unix(1000, 0)
	r := s.Step(Event{Now: now, Request: &Request{TypeURL: workload.AddressType}})
	responses, refusals := 0, 0
	for len(r.Responses) > 0 && responses < 100 {
		responses++
		r = s.Step(Event{Now: now, Request: &Request{TypeURL: workload.AddressType, Nonce: r.Responses[0].Nonce, Refused: true, Message: "no"}})
		refusals += len(r.Refusals)
	}
	if responses != 2 || refusals != 50 { // the second is empty: something to accept
		t.Errorf("%d responses, %d refusals", responses, refusals)
	}
}
