package main

import (
	"fmt"
	"maps"
	"os"
	"testing"
	"text/tabwriter"
	"time"

	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	"google.golang.org/protobuf/proto"

	"github.com/coastwise/coastwise/controlplane/snapshot"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
)

// row is one ratio: what it measures, against what, and its bound.
type row struct {
	what, against string
	cost, floor   time.Duration
	bound         float64
}

func (r row) ratio() float64 { return float64(r.cost) / float64(r.floor) }

func main() {
	var rows []row
	for i, measured := range []func() row{assign, build, publish, rescope} {
		fmt.Fprintf(os.Stderr, "measuring %d of 5\n", i+1)
		rows = append(rows, measured())
	}
	fmt.Fprintln(os.Stderr, "measuring 5 of 5")
	rows = append(rows, waypoints()...)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "WHAT\tCOST\tAGAINST\tFLOOR\tRATIO\tBOUND\t")
	failed := false
	for _, r := range rows {
		verdict := ""
		if r.ratio() > r.bound {
			verdict, failed = "over", true
		}
		fmt.Fprintf(w, "%s\t%v\t%s\t%v\t%.2f\t%.0f\t%s\n", r.what, r.cost, r.against, r.floor, r.ratio(), r.bound, verdict)
	}
	w.Flush()
	if failed {
		os.Exit(1)
	}
}

// rounds is how often each operation is measured, in turn with the others.
const rounds = 6

// measure is the least time per operation of each, over several rounds in which
// they take turns: the rounds that the rest of the machine disturbed least.
func measure(ops ...func()) []time.Duration {
	best := make([]time.Duration, len(ops))
	for round := range rounds {
		for i, op := range ops {
			r := testing.Benchmark(func(b *testing.B) {
				for b.Loop() {
					op()
				}
			})
			if d := time.Duration(r.NsPerOp()); round == 0 || d < best[i] {
				best[i] = d
			}
		}
	}
	return best
}

// assign decides 1,000 endpoints, and marshals what was decided.
func assign() row {
	s := serviceOf(1000)
	v := s.Select(clientIn("z1"), 80, "")
	port, policy := s.Ports[0], s.Policies[v.PolicyID]
	t := measure(func() { locality.Assign(v.View, policy, port.Endpoints) }, marshal(assignmentOf(s, v)))
	return row{
		what: "Assign of 1,000 endpoints", against: "deterministic marshal of that assignment", bound: 1,
		cost: t[0], floor: t[1],
	}
}

// build ingests a service of 100 endpoints and encodes it for three zones.
func build() row {
	objects := objectsOf(100)
	var marshals []func()
	for _, zone := range zones {
		s := serviceOf(100)
		marshals = append(marshals, marshal(assignmentOf(s, s.Select(clientIn(zone), 80, ""))))
	}
	t := measure(func() {
		s, _ := ingest.Service(objects)
		for _, zone := range zones {
			assignmentOf(s, s.Select(clientIn(zone), 80, ""))
		}
	}, func() {
		for _, m := range marshals {
			m()
		}
	})
	return row{
		what: "ingest and encode 100 endpoints for 3 zones", against: "the marshals of its 3 assignments", bound: 4,
		cost: t[0], floor: t[1],
	}
}

func assignmentOf(s *model.Service, v model.Variant) envoy.Resource {
	a := locality.Assign(v.View, s.Policies[v.PolicyID], s.Ports[0].Endpoints)
	r, err := envoy.LoadAssignment(s, v, a)
	if err != nil {
		panic(err)
	}
	return r
}

func marshal(r envoy.Resource) func() {
	m := &endpointv3.ClusterLoadAssignment{}
	if err := proto.Unmarshal(r.Body, m); err != nil {
		panic(err)
	}
	options := proto.MarshalOptions{Deterministic: true}
	return func() {
		if _, err := options.Marshal(m); err != nil {
			panic(err)
		}
	}
}

// publish changes one endpoint among 10,000 services, less the one map clone
// that a publish costs, against the same among 100.
func publish() row {
	many, few := newMesh(10_000), newMesh(100)
	entries := many.hub.Snapshot().Entries
	var copied map[model.Key]*snapshot.Entry
	t := measure(many.change, func() { copied = maps.Clone(entries) }, few.change)
	if len(copied) != len(entries) {
		panic("the clone is not whole")
	}
	return row{
		what: "publish 1 endpoint among 10,000 services, less a map clone", against: "the same among 100", bound: 2,
		cost: t[0] - t[1], floor: t[2],
	}
}

// rescope adds and removes one of 1,000 services, which the clients of 50 namespaces
// see, against validating the route table of each of them once.
func rescope() row {
	const namespaces = 50
	m, table := newSpread(namespaces, 1000)
	t := measure(m.comeAndGo, func() {
		for range namespaces {
			if err := envoy.Validate(table); err != nil {
				panic(err)
			}
		}
	})
	return row{
		what: "publish a service that comes and one that goes, seen by 50 namespaces", against: "validating their 50 route tables", bound: 1,
		cost: t[0], floor: t[1],
	}
}
