package workload

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/coastwise/coastwise/third_party/istio/workloadapi"
	"github.com/coastwise/coastwise/translate/model"
)

// ranked is a workload written as NETWORK|REGION/ZONE/SUBZONE|NODE|CAPACITY|HEALTHY.
func ranked(t *testing.T, i int, text string) *workloadapi.Workload {
	t.Helper()
	parts := strings.Split(text, "|")
	if len(parts) != 5 {
		t.Fatalf("%q", text)
	}
	place := strings.Split(parts[1]+"//", "/")
	w := &workloadapi.Workload{
		Uid: fmt.Sprint("w", i), Network: parts[0], Node: parts[2],
		Locality: &workloadapi.Locality{Region: place[0], Zone: place[1], Subzone: place[2]},
		Services: map[string]*workloadapi.PortList{"ns/host": {}},
	}
	var capacity uint32
	if _, err := fmt.Sscan(parts[3], &capacity); err != nil {
		t.Fatal(err)
	}
	if capacity != 1 {
		w.Capacity = wrapperspb.UInt32(capacity)
	}
	if parts[4] != "healthy" {
		w.Status = workloadapi.WorkloadStatus_UNHEALTHY
	}
	return w
}

// The vectors are reference/ambient.md 6: the best rank present alone, there by capacity;
// another network in first place does not end the walk; unknown places match each other;
// STRICT takes full matches only.
func TestRanks(t *testing.T) {
	const n, r, z = workloadapi.LoadBalancing_NETWORK, workloadapi.LoadBalancing_REGION, workloadapi.LoadBalancing_ZONE
	const sub, node = workloadapi.LoadBalancing_SUBZONE, workloadapi.LoadBalancing_NODE
	failover := func(s ...workloadapi.LoadBalancing_Scope) *workloadapi.LoadBalancing {
		return &workloadapi.LoadBalancing{Mode: workloadapi.LoadBalancing_FAILOVER, RoutingPreference: s}
	}
	strict := func(s ...workloadapi.LoadBalancing_Scope) *workloadapi.LoadBalancing {
		return &workloadapi.LoadBalancing{Mode: workloadapi.LoadBalancing_STRICT, RoutingPreference: s}
	}
	all := failover(n, r, z)
	all.HealthPolicy = workloadapi.LoadBalancing_ALLOW_ALL
	here := From{Network: "n", Node: "node-1", Locality: model.Locality{Region: "eu", Zone: "eu-1"}}
	for name, c := range map[string]struct {
		from From
		lb   *workloadapi.LoadBalancing
		are  []string
		want string // uid:rank:share
	}{
		"best rank alone":                       {here, failover(n, r, z), []string{"n|eu/eu-1||1|healthy", "n|eu/eu-2||1|healthy", "n|us/us-1||1|healthy"}, "w0:3:100 w1:2:0 w2:1:0"},
		"the next rank":                         {here, failover(n, r, z), []string{"n|eu/eu-1||1|dead", "n|eu/eu-2||1|healthy", "n|us/us-1||1|healthy"}, "w0:3:0 w1:2:100 w2:1:0"},
		"the last rank":                         {here, failover(n, r, z), []string{"n|eu/eu-1||1|dead", "n|us/us-1||1|healthy", "n|as/as-1||3|healthy"}, "w0:3:0 w1:1:25 w2:1:75"},
		"all or nothing, no spill":              {here, failover(n, r, z), []string{"n|eu/eu-1||1|healthy", "n|eu/eu-1||1|dead", "n|eu/eu-1||1|dead", "n|eu/eu-2||1|healthy"}, "w0:3:100 w1:3:0 w2:3:0 w3:2:0"},
		"a walk ends at the first that differs": {here, failover(n, r, z), []string{"n|us/eu-1||1|healthy", "n|eu/eu-2||1|healthy"}, "w1:2:100 w0:1:0"},
		"another network does not end it":       {here, failover(n, r, z), []string{"m|eu/eu-1||1|healthy", "n|us/us-1||1|healthy"}, "w0:2:100 w1:1:0"},
		"another network in second place does":  {here, failover(r, n, z), []string{"m|eu/eu-1||1|healthy"}, "w0:1:100"},
		"unknown matches unknown":               {From{Network: "n"}, failover(n, r, z), []string{"n|||1|healthy", "n|eu/eu-1||1|healthy"}, "w0:3:100 w1:1:0"},
		"the same node":                         {here, failover(n, r, z, sub, node), []string{"n|eu/eu-1|node-1|1|healthy", "n|eu/eu-1|node-2|1|healthy"}, "w0:5:100 w1:4:0"},
		"strict":                                {here, strict(node), []string{"||node-2|1|healthy", "||node-1|1|dead"}, "w1:1:0 w0:0:0"},
		"strict, there":                         {here, strict(node), []string{"||node-2|1|healthy", "||node-1|1|healthy"}, "w1:1:100 w0:0:0"},
		"no preference":                         {here, nil, []string{"n|eu/eu-1||1|healthy", "m|us/us-1||3|healthy", "|||1|dead"}, "w0:0:25 w1:0:75 w2:0:0"},
		"drained":                               {here, nil, []string{"n|eu/eu-1||0|healthy", "m|us/us-1||1|healthy"}, "w0:0:0 w1:0:100"},
		"all drained":                           {here, nil, []string{"n|eu/eu-1||0|healthy"}, "w0:0:0"},
		"the same cluster":                      {From{Cluster: "c"}, failover(workloadapi.LoadBalancing_CLUSTER), []string{"|||1|healthy"}, "w0:0:100"},
		"no such scope":                         {here, failover(99), []string{"n|eu/eu-1||1|healthy"}, "w0:0:100"},
		"all, not ready too":                    {here, all, []string{"n|eu/eu-1||1|dead", "n|eu/eu-2||1|healthy"}, "w0:3:100 w1:2:0"},
		"passthrough":                           {here, &workloadapi.LoadBalancing{Mode: workloadapi.LoadBalancing_PASSTHROUGH}, []string{"n|eu/eu-1||1|healthy"}, ""},
	} {
		var ws []*workloadapi.Workload
		for i, text := range c.are {
			ws = append(ws, ranked(t, i, text))
		}
		ws = append(ws, &workloadapi.Workload{Uid: "of another service"})
		var got []string
		for _, choice := range Ranks(c.from, &workloadapi.Service{Namespace: "ns", Hostname: "host", LoadBalancing: c.lb}, ws) {
			got = append(got, fmt.Sprintf("%s:%d:%g", choice.Workload.Uid, choice.Rank, choice.Share))
		}
		if !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}
