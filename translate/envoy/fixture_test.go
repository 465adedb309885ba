package envoy

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
)

// reviews is a service with two ports and one policy.
func reviews(policy model.Policy) *model.Service {
	return &model.Service{
		Key:  model.ServiceKey("default", "reviews"),
		Name: "reviews",
		Ports: []model.Port{
			{Name: "http", Number: 80, Endpoints: []model.Endpoint{
				{Address: "10.0.0.1", Port: 8080, Region: "eu"},
				{Address: "10.0.0.2", Port: 8080, Region: "us"},
			}},
			{Name: "grpc", Number: 9000, Protocol: model.ProtocolGRPC},
		},
		Policies: []model.Policy{policy},
	}
}

// plain is a policy as ingest resolves it where nothing is said.
func plain() model.Policy {
	return model.Policy{Mode: model.Flat, Algorithm: model.LeastRequest, OverprovisioningFactor: 140}
}

func assignment() locality.Assignment {
	return locality.Assignment{OverprovisioningFactor: 140, Groups: []locality.Group{
		{
			Priority: 0, Locality: model.Locality{Region: "eu", Zone: "eu-1"}, Weight: 3, Reason: locality.SameZone,
			Endpoints: []locality.Endpoint{
				{Address: "10.0.0.1", Port: 8080, Weight: 2, Healthy: true, Additional: []string{"fd00::1"}},
				{Address: "10.0.0.3", Port: 8080, Weight: 1},
			},
		},
		{
			Priority: 1, Locality: model.Locality{Region: "us", Zone: "us-1", SubZone: "r1"}, Reason: locality.OtherRegion,
			Endpoints: []locality.Endpoint{{Address: "10.0.0.2", Port: 8080, Weight: 1, Healthy: true}},
		},
	}}
}

// fataler is what *testing.T and *rapid.T have in common.
type fataler interface {
	Helper()
	Fatal(args ...any)
}

// decoded reads a resource back.
func decoded[M proto.Message](t fataler, r Resource, m M) M {
	t.Helper()
	if err := proto.Unmarshal(r.Body, m); err != nil {
		t.Fatal(err)
	}
	return m
}

// must fails the test for an error.
func must[T any](t fataler) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// many are services in key order, each with one port.
func many(n int) []*model.Service {
	out := make([]*model.Service, 0, n)
	for i := range n {
		name := fmt.Sprintf("s%05d", i)
		out = append(out, &model.Service{
			Key: model.ServiceKey("default", name), Name: name,
			Ports: []model.Port{{Number: 80}}, Policies: []model.Policy{plain()},
		})
	}
	return out
}
