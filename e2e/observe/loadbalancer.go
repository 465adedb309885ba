package observe

import (
	"time"
)

// inRotation says whether two endpoints answer by turns.
func inRotation(s *Site) (string, error) {
	last := ""
	for _, a := range s.inTurn(40, plain) {
		if a.Endpoint == last {
			return "in no order", nil
		}
		last = a.Endpoint
	}
	return "by turns", nil
}

// avoidsBusy says whether an endpoint with a request in work gets fewer others.
func avoidsBusy(s *Site) (string, error) {
	busy := s.world.lab.address(at(0, 0))
	hold := Request{Headers: []string{waitHeader + ": " + busy + "=30s"}, Limit: 20 * time.Second}
	done := make(chan Answer)
	held := 0
	for held < 2 {
		go func() { done <- s.ask(hold) }()
		select {
		case <-done: // the other one answered
		case <-time.After(700 * time.Millisecond):
			held++
		}
	}
	n := 0
	for _, a := range s.inTurn(300, plain) {
		if a.Endpoint == busy {
			n++
		}
	}
	go func() { <-done; <-done }()
	if n < 300*37/100 {
		return "gets fewer", nil
	}
	return "gets its half", nil
}

// late says how much endpoints that came late get beside as many old ones.
func late(s *Site) (string, error) {
	fresh := 0
	answers := s.inTurn(200, plain)
	for _, a := range answers {
		for _, e := range s.Late {
			if a.Endpoint == s.world.lab.address(e) {
				fresh++
			}
		}
	}
	switch share := 100 * fresh / len(answers); {
	case share == 0:
		return "nothing", nil
	case share <= 33:
		return "little", nil
	case share >= 40 && share <= 60:
		return "half", nil
	default:
		return "some", nil
	}
}

func loadBalancer() []Observation {
	out := []Observation{
		{
			Name: "round-robin", Rows: policy("loadBalancer.simple"), Measure: inRotation,
			With:    Side{Policy: "{loadBalancer: {simple: ROUND_ROBIN}}", Want: "by turns"},
			Without: Side{Want: "in no order"},
		},
		{
			Name: "least-request", Rows: policy("loadBalancer.simple"), Measure: avoidsBusy,
			With:    Side{Policy: "{loadBalancer: {simple: LEAST_REQUEST}}", Want: "gets fewer"},
			Without: Side{Policy: "{loadBalancer: {simple: RANDOM}}", Want: "gets its half"},
		},
		{ // There is no original destination at the HTTP proxy port.
			Name: "passthrough", Rows: policy("loadBalancer.simple=PASSTHROUGH"), Measure: asked(plain, statusOf),
			With:    Side{Policy: "{loadBalancer: {simple: PASSTHROUGH}}", Want: "503"},
			Without: Side{Want: "200"},
		},
	}
	fresh := func(w string) string { return "{loadBalancer: {simple: ROUND_ROBIN, " + w + "}}" }
	for _, c := range []struct {
		name, row            string
		with, want           string
		without, wantWithout string
	}{
		{"warmup", "loadBalancer.warmup.duration", fresh("warmup: {duration: 90s, minimumPercent: 1}"), "little", "{loadBalancer: {simple: ROUND_ROBIN}}", "half"},
		{"warmup-least-request", "loadBalancer.warmup.duration", "{loadBalancer: {warmup: {duration: 90s, minimumPercent: 1}}}", "little", "", "half"},
		{"warmup-old", "loadBalancer.warmupDurationSecs", fresh("warmupDurationSecs: 90s"), "little", "{loadBalancer: {simple: ROUND_ROBIN}}", "half"},
		{"warmup-minimum", "loadBalancer.warmup.minimumPercent", fresh("warmup: {duration: 90s, minimumPercent: 100}"), "half", fresh("warmup: {duration: 90s, minimumPercent: 1}"), "little"},
		{"warmup-aggression", "loadBalancer.warmup.aggression", fresh("warmup: {duration: 90s, minimumPercent: 1, aggression: 100}"), "half", fresh("warmup: {duration: 90s, minimumPercent: 1}"), "little"},
	} {
		out = append(out, Observation{
			Name: c.name, Rows: policy(c.row), Measure: late,
			With:    Side{Policy: c.with, Endpoints: inFirstZone(1), Late: []Endpoint{at(0, 1)}, Want: c.want},
			Without: Side{Policy: c.without, Endpoints: inFirstZone(1), Late: []Endpoint{at(0, 1)}, Want: c.wantWithout},
		})
	}
	return out
}
