package snapshot

import (
	"testing"
	"time"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

func grpcClient(id string, labels map[string]string) model.Proxy {
	p := sidecar(id, "eu-1")
	p.Kind, p.Bind, p.HTTPProxyPort, p.Labels = model.GRPC, "", 0, labels
	return p
}

// A gRPC client finds its targets' listeners by every name, and their routes by the
// full one (semantics 9.5); of two in one scope each has the key of its own rule.
func TestTargets(t *testing.T) {
	h, st := newHub(t, service("reviews"), endpointSlice("reviews", "r-1", "eu-1", "10.0.0.1"))
	labels := map[string]string{"app": "web"}
	plain, picked := join(t, h, grpcClient("a", nil)), join(t, h, grpcClient("b", labels))
	const full = "reviews.default.svc.cluster.local:80"
	for _, name := range []string{full, "reviews:80", "reviews.default:80", "reviews.default.svc:80"} {
		if version(plain, envoy.ListenerType, name) == "" {
			t.Errorf("no listener %s", name)
		}
	}
	for typeURL, name := range map[string]string{envoy.ListenerType: "reviews:81", envoy.RouteType: "reviews:80"} {
		if got := plain.Take().View.Get(typeURL, name); got != nil {
			t.Errorf("%s is there: %v", name, got)
		}
	}
	if got := plain.Take().View.Get(envoy.RouteType, envoy.RouteName); got != nil {
		t.Error("a gRPC client has the routes of an HTTP proxy port")
	}
	before := version(picked, envoy.RouteType, full)
	rule := hashRule("default", "reviews", "x-user")
	rule.Object.(*v1alpha1.DestinationRule).Spec.WorkloadSelector = &v1alpha1.WorkloadSelector{MatchLabels: labels}
	st.Apply([]store.Change{rule})
	h.Publish(time.Now())
	if before == "" || version(plain, envoy.RouteType, full) != before {
		t.Error("the key is in the routes of a client that is not picked")
	}
	if version(picked, envoy.RouteType, full) == before {
		t.Error("the picked client's routes lack the key")
	}
}

// What any scope's set or routes read of a service is part of its shape, and its
// endpoints are not.
func TestSameShape(t *testing.T) {
	base := func() *model.Service {
		return &model.Service{
			Key: model.Key{Namespace: "a", Host: "db.example.com"}, HostField: "spec.hosts[0]", Name: "e", Created: 1,
			Object: model.ObjectRef{Kind: "ServiceEntry", Namespace: "a", Name: "e"}, ExportTo: []string{"*"},
			Addresses: []string{"10.0.0.9"},
			Ports:     []model.Port{{Number: 80, Name: "http", Protocol: model.ProtocolHTTP}},
			Policies:  []model.Policy{{}}, Lookup: map[model.PolicyKey]model.PolicyID{{Port: 80}: 0},
		}
	}
	is := &Entry{Service: base()}
	if !sameShape(is, &Entry{Service: base()}) || !sameShape(nil, nil) || sameShape(is, nil) || sameShape(nil, is) {
		t.Fatal("a form differs from itself, or is like none")
	}
	moved := base()
	moved.Ports[0].Endpoints = []model.Endpoint{{Address: "10.0.0.1", Port: 80, Weight: 1}}
	if !sameShape(is, &Entry{Service: moved}) {
		t.Error("an endpoint changes the shape")
	}
	for what, change := range map[string]func(*model.Service){
		"host field":    func(s *model.Service) { s.HostField = "spec.hosts[1]" },
		"age":           func(s *model.Service) { s.Created = 2 },
		"name":          func(s *model.Service) { s.Name = "f" },
		"object":        func(s *model.Service) { s.Object.Kind += ".networking.istio.io" },
		"addresses":     func(s *model.Service) { s.Addresses = nil },
		"visibility":    func(s *model.Service) { s.ExportTo = []string{"."} },
		"port number":   func(s *model.Service) { s.Ports[0].Number = 81 },
		"port name":     func(s *model.Service) { s.Ports[0].Name = "web" },
		"port protocol": func(s *model.Service) { s.Ports[0].Protocol = model.ProtocolTCP },
		"ports":         func(s *model.Service) { s.Ports = nil },
		"subsets":       func(s *model.Service) { s.Subsets = map[model.PolicyKey][]string{{}: {"v1"}} },
		"listeners":     func(s *model.Service) { s.Listens = []model.Listen{{Port: 80}} },
		"hash":          func(s *model.Service) { s.Policies[0].Cluster.Hash = &model.Hash{Header: "x"} },
	} {
		other := base()
		change(other)
		if sameShape(is, &Entry{Service: other}) {
			t.Errorf("another %s is the same shape", what)
		}
	}
}
