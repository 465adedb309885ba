package envoy

import (
	"encoding/hex"
	"fmt"
	"slices"
	"testing"

	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	"github.com/google/go-cmp/cmp"
	"github.com/zeebo/xxh3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
)

func TestLoadAssignment(t *testing.T) {
	want := new(endpointv3.ClusterLoadAssignment)
	if err := protojson.Unmarshal([]byte(`{
		"clusterName": "outbound|80||reviews.default.svc.cluster.local",
		"policy": {"overprovisioningFactor": 140},
		"endpoints": [{
			"locality": {"region": "eu", "zone": "eu-1"}, "loadBalancingWeight": 3,
			"metadata": {"filterMetadata": {"coastwise": {"region": "eu", "zone": "eu-1", "reason": "same zone"}}},
			"lbEndpoints": [
				{"endpoint": {
					"address": {"socketAddress": {"address": "10.0.0.1", "portValue": 8080}},
					"additionalAddresses": [{"address": {"socketAddress": {"address": "fd00::1", "portValue": 8080}}}]
				}, "healthStatus": "HEALTHY", "loadBalancingWeight": 2},
				{"endpoint": {"address": {"socketAddress": {"address": "10.0.0.3", "portValue": 8080}}},
				 "healthStatus": "UNHEALTHY", "loadBalancingWeight": 1}
			]
		}, {
			"locality": {"region": "us", "zone": "us-1", "subZone": "r1"}, "loadBalancingWeight": 1, "priority": 1,
			"metadata": {"filterMetadata": {"coastwise": {"region": "us", "zone": "us-1", "reason": "other region"}}},
			"lbEndpoints": [{"endpoint": {"address": {"socketAddress": {"address": "10.0.0.2", "portValue": 8080}}},
				"healthStatus": "HEALTHY", "loadBalancingWeight": 1}]
		}]
	}`), want); err != nil {
		t.Fatal(err)
	}
	r := must[Resource](t)(LoadAssignment(reviews(plain()), model.Variant{Port: 80}, assignment()))
	if diff := cmp.Diff(want, decoded(t, r, new(endpointv3.ClusterLoadAssignment)), protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	if err := Validate(r); err != nil {
		t.Error(err)
	}
	sum := xxh3.Hash128(r.Body).Bytes()
	if want := hex.EncodeToString(sum[:]); r.Version != want || len(want) != 32 {
		t.Errorf("version %q, want %q", r.Version, want)
	}
}

// An empty assignment is sent on purpose, and is never an empty message.
func TestEmptyLoadAssignment(t *testing.T) {
	r := must[Resource](t)(LoadAssignment(reviews(plain()), model.Variant{Port: 80}, locality.Assignment{OverprovisioningFactor: 140}))
	want := &endpointv3.ClusterLoadAssignment{ClusterName: r.Name}
	if diff := cmp.Diff(want, decoded(t, r, new(endpointv3.ClusterLoadAssignment)), protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	if err := Validate(r); err != nil || len(r.Body) == 0 || r.Version == "" {
		t.Errorf("%v, %d bytes, version %q", err, len(r.Body), r.Version)
	}
}

func TestPassthroughHasNoLoadAssignment(t *testing.T) {
	policy := plain()
	policy.Algorithm = model.Passthrough
	r := must[Resource](t)(LoadAssignment(reviews(policy), model.Variant{Port: 80}, assignment()))
	if r.Name != "" || r.Body != nil {
		t.Errorf("%+v", r)
	}
}

// Whatever locality may decide passes the validator and reads back as decided.
func TestLoadAssignmentsAreValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := randomAssignment(t)
		r, err := LoadAssignment(reviews(plain()), model.Variant{Port: 80}, a)
		if err != nil {
			t.Fatal(err)
		}
		if err := Validate(r); err != nil {
			t.Fatal(err)
		}
		cla := decoded(t, r, new(endpointv3.ClusterLoadAssignment))
		for i, g := range a.Groups {
			got := cla.Endpoints[i]
			if got.Priority != g.Priority || got.LoadBalancingWeight.Value != max(1, g.Weight) || len(got.LbEndpoints) != len(g.Endpoints) {
				t.Fatalf("group %d: %v", i, got)
			}
			for j, e := range g.Endpoints {
				at := got.LbEndpoints[j].GetEndpoint().GetAddress().GetSocketAddress()
				if at.Address != e.Address || at.GetPortValue() != e.Port || got.LbEndpoints[j].LoadBalancingWeight.Value != e.Weight {
					t.Fatalf("group %d endpoint %d: %v", i, j, got.LbEndpoints[j])
				}
			}
		}
	})
}

func randomAssignment(t *rapid.T) locality.Assignment {
	a := locality.Assignment{OverprovisioningFactor: rapid.Uint32Range(100, 10000).Draw(t, "factor")}
	n := 0
	for p := range rapid.IntRange(0, 3).Draw(t, "priorities") {
		for z := range rapid.IntRange(1, 3).Draw(t, "zones") {
			g := locality.Group{
				Priority: uint32(p), Weight: rapid.Uint32Range(0, 1e9).Draw(t, "weight"),
				Locality: model.Locality{Region: rapid.SampledFrom([]string{"", "eu"}).Draw(t, "region"), Zone: fmt.Sprint("z", z)},
			}
			for range rapid.IntRange(1, 4).Draw(t, "endpoints") {
				n++
				g.Endpoints = append(g.Endpoints, locality.Endpoint{
					Address: fmt.Sprintf("10.0.0.%d", n), Port: 80, Healthy: rapid.Bool().Draw(t, "healthy"),
					Weight: rapid.Uint32Range(1, 1e6).Draw(t, "endpoint weight"),
				})
			}
			a.Groups = append(a.Groups, g)
		}
	}
	return a
}

// large spreads n endpoints over nine zones in three priorities.
func large(n int) locality.Assignment {
	a := locality.Assignment{OverprovisioningFactor: 140}
	for z := range 9 {
		a.Groups = append(a.Groups, locality.Group{
			Priority: uint32(z / 3), Weight: uint32(n / 9), Reason: locality.SameRegion,
			Locality: model.Locality{Region: fmt.Sprint("r", z/3), Zone: fmt.Sprint("z", z)},
		})
	}
	for i := range n {
		g := &a.Groups[i*9/n]
		g.Endpoints = append(g.Endpoints, locality.Endpoint{
			Address: fmt.Sprintf("10.0.%d.%d", i/256, i%256), Port: 8080, Weight: 1, Healthy: true,
		})
	}
	return a
}

// Beside marshalling, which cannot be avoided, an assignment costs a number of
// allocations that grows with its localities only.
func TestLoadAssignmentAllocations(t *testing.T) {
	small, big := large(90), large(900)
	cost := func(a locality.Assignment) float64 {
		return testing.AllocsPerRun(20, func() { loadAssignment("x", a, bySocket) })
	}
	if a, b := cost(small), cost(big); b > a {
		t.Errorf("%v allocations for 90 endpoints, %v for 900", a, b)
	}
}

func BenchmarkLoadAssignment(b *testing.B) {
	s, v := reviews(plain()), model.Variant{Port: 80}
	for _, n := range []int{100, 1000} {
		a := large(n)
		b.Run(fmt.Sprintf("encode/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := LoadAssignment(s, v, a); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("marshal/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			m := loadAssignment("x", a, bySocket)
			for b.Loop() {
				if _, err := deterministic.Marshal(m); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("validate/%d", n), func(b *testing.B) {
			r, err := LoadAssignment(s, v, a)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := Validate(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCluster(b *testing.B) {
	s := reviews(plain())
	for b.Loop() {
		if _, err := Cluster(s, model.Variant{Port: 80}, assignment()); err != nil {
			b.Fatal(err)
		}
	}
}

func TestEqualInputEqualBytes(t *testing.T) {
	first := must[Resource](t)(LoadAssignment(reviews(plain()), model.Variant{Port: 80}, large(90)))
	for range 20 {
		again := must[Resource](t)(LoadAssignment(reviews(plain()), model.Variant{Port: 80}, large(90)))
		if !slices.Equal(first.Body, again.Body) || first.Version != again.Version {
			t.Fatal("bytes differ")
		}
	}
}
