package peers

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coastwise/coastwise/translate/model"
)

func rule(name string) model.ObjectRef {
	return model.ObjectRef{Kind: "DestinationRule", Namespace: "default", Name: name}
}

var mesh = model.ObjectRef{Kind: "MeshConfig", Name: "default"}

func rejection(name, message string) model.Problem {
	return model.Problem{Object: rule(name), Field: "spec", Severity: model.Error, Reason: model.ProxyRejected, Message: message}
}

func fullReport() Report {
	return Report{
		Replica: "cw-1", Version: "v1", Started: time.Date(2026, 11, 25, 14, 0, 0, 0, time.UTC), Synced: true,
		Generations: map[model.ObjectRef]int64{rule("a"): 3, mesh: 1},
		Rollouts: map[model.ObjectRef]model.Rollout{
			rule("a"): {Proxies: 3, Programmed: 1, Refused: 1, Proxy: "default/x", Resource: "outbound|80||a", Message: "no"},
			rule("b"): {Proxies: 1, Programmed: 1},
		},
		Problems: []model.Problem{rejection("a", "no")},
	}
}

func TestReportOnTheWire(t *testing.T) {
	text, err := json.Marshal(fullReport())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"replica":"cw-1","version":"v1","started":"2026-11-25T14:00:00Z","synced":true,"objects":[` +
		`{"kind":"DestinationRule","namespace":"default","name":"a","generation":3,"rollout":{"proxies":3,"programmed":1,"refused":1,"proxy":"default/x","resource":"outbound|80||a","message":"no"}},` +
		`{"kind":"DestinationRule","namespace":"default","name":"b","rollout":{"proxies":1,"programmed":1}},` +
		`{"kind":"MeshConfig","name":"default","generation":1}],` +
		`"problems":[{"kind":"DestinationRule","namespace":"default","name":"a","field":"spec","severity":"error","reason":"ProxyRejected","message":"no"}]}`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	var back Report
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fullReport(), back); diff != "" {
		t.Errorf("-sent +read:\n%s", diff)
	}
}

// TestJoin: rollouts are summed, and an object is as old as with the replica that
// has the oldest of it.
func TestJoin(t *testing.T) {
	one := fullReport()
	two := Report{
		Replica: "cw-2", Generations: map[model.ObjectRef]int64{rule("a"): 2},
		Rollouts: map[model.ObjectRef]model.Rollout{rule("a"): {Proxies: 2, Refused: 1, Proxy: "default/a", Message: "never"}},
		Problems: []model.Problem{rejection("a", "never"), rejection("a", "no")},
	}
	want := Joined{
		Rollouts: map[model.ObjectRef]model.Rollout{
			rule("a"): {Proxies: 5, Programmed: 1, Refused: 2, Proxy: "default/a", Message: "never"},
			rule("b"): {Proxies: 1, Programmed: 1},
		},
		Generations: map[model.ObjectRef]int64{rule("a"): 2, mesh: 0},
		Problems:    []model.Problem{rejection("a", "never"), rejection("a", "no")},
	}
	for _, reports := range [][]Report{{one, two}, {two, one}} {
		if diff := cmp.Diff(want, join(reports)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
	if none := join(nil); len(none.Rollouts)+len(none.Generations)+len(none.Problems) != 0 {
		t.Errorf("of nobody: %+v", none)
	}
}
