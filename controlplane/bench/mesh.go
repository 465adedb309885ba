package main

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/controlplane/snapshot"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

var zones = []string{"z1", "z2", "z3"}

func clientIn(zone string) model.Proxy {
	return model.Proxy{
		ID: "default/" + zone, Kind: model.Sidecar, Namespace: "default",
		Locality: model.Locality{Region: "r", Zone: zone}, Bind: "127.0.0.1", HTTPProxyPort: 15080,
	}
}

func nodes() []*corev1.Node {
	var out []*corev1.Node
	for _, zone := range zones {
		n := &corev1.Node{}
		n.Name = "node-" + zone
		n.Labels = map[string]string{"topology.kubernetes.io/region": "r", "topology.kubernetes.io/zone": zone}
		out = append(out, n)
	}
	return out
}

func serviceNamed(name string) *corev1.Service {
	s := &corev1.Service{}
	s.Namespace, s.Name = "default", name
	s.Spec.Ports = []corev1.ServicePort{{Name: "http", Port: 80}}
	return s
}

// sliceOf has n endpoints spread over the zones; the last address changes with turn.
func sliceOf(service string, n, turn int) *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{AddressType: discoveryv1.AddressTypeIPv4}
	s.Namespace, s.Name = "default", service+"-a"
	s.Labels = map[string]string{discoveryv1.LabelServiceName: service}
	name, port := "http", int32(8080)
	s.Ports = []discoveryv1.EndpointPort{{Name: &name, Port: &port}}
	for i := range n {
		zone := zones[i%len(zones)]
		node := "node-" + zone
		host := i
		if i == n-1 {
			host += turn % 2
		}
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{
			Addresses: []string{fmt.Sprintf("10.%d.%d.%d", host>>16, host>>8&255, host&255)}, Zone: &zone, NodeName: &node,
		})
	}
	return s
}

func ruleOf(service string) *v1alpha1.DestinationRule {
	r := &v1alpha1.DestinationRule{}
	r.Namespace, r.Name, r.Spec.Host = "default", service, service
	r.Spec.TrafficPolicy = &v1alpha1.TrafficPolicy{LoadBalancer: &v1alpha1.LoadBalancer{LocalityLbSetting: &v1alpha1.LocalityLbSetting{}}}
	return r
}

// objectsOf is one service of n endpoints with a rule that orders by locality.
func objectsOf(n int) ingest.Objects {
	st := store.New()
	st.Apply(changesOf("s", n))
	return st.Objects(model.ServiceKey("default", "s"))
}

func serviceOf(n int) *model.Service {
	s, _ := ingest.Service(objectsOf(n))
	return s
}

func changesOf(service string, n int) []store.Change {
	changes := []store.Change{
		{Ref: model.ObjectRef{Kind: "Service", Namespace: "default", Name: service}, Object: serviceNamed(service)},
		{Ref: model.ObjectRef{Kind: "EndpointSlice", Namespace: "default", Name: service + "-a"}, Object: sliceOf(service, n, 0)},
		{Ref: model.ObjectRef{Kind: "DestinationRule", Namespace: "default", Name: service}, Object: ruleOf(service)},
	}
	for _, node := range nodes() {
		changes = append(changes, store.Change{Ref: model.ObjectRef{Kind: "Node", Name: node.Name}, Object: node})
	}
	return changes
}

// mesh is a hub over n services of 30 endpoints with one sidecar in each zone,
// each of which holds everything.
type mesh struct {
	store *store.Store
	hub   *snapshot.Hub
	turn  int
}

func newMesh(n int) *mesh {
	m := &mesh{store: store.New()}
	m.hub = snapshot.New(m.store, 0, slog.New(slog.NewTextHandler(io.Discard, nil)))
	var changes []store.Change
	for i := range n {
		changes = append(changes, changesOf(fmt.Sprint("s", i), 30)...)
	}
	m.store.Apply(changes)
	m.hub.Publish(time.Now())
	for _, zone := range zones {
		member, err := m.hub.Join(clientIn(zone))
		if err != nil {
			panic(err)
		}
		member.WatchAll(true)
		view := member.Take().View
		for _, name := range view.Names(envoy.ClusterType) {
			if view.Get(envoy.EndpointType, name) == nil {
				panic("no endpoints of " + name)
			}
		}
	}
	return m
}

// change publishes another address of one endpoint of one service.
func (m *mesh) change() {
	m.turn++
	m.store.Apply([]store.Change{{
		Ref:    model.ObjectRef{Kind: "EndpointSlice", Namespace: "default", Name: "s7-a"},
		Object: sliceOf("s7", 30, m.turn),
	}})
	m.hub.Publish(time.Now())
}

// newSpread is a hub over services of several namespaces with a sidecar in each, and
// the routes of one of them.
func newSpread(namespaces, services int) (*mesh, envoy.Resource) {
	m := &mesh{store: store.New()}
	m.hub = snapshot.New(m.store, 0, slog.New(slog.NewTextHandler(io.Discard, nil)))
	var changes []store.Change
	for i := range services {
		changes = append(changes, serviceIn(fmt.Sprint("ns", i%namespaces), fmt.Sprint("s", i)))
	}
	m.store.Apply(changes)
	m.hub.Publish(time.Now())
	var routes envoy.Resource
	for i := range namespaces {
		p := clientIn("z1")
		p.Namespace = fmt.Sprint("ns", i)
		p.ID = p.Namespace + "/c"
		member, err := m.hub.Join(p)
		if err != nil {
			panic(err)
		}
		member.WatchAll(true)
		routes = *member.Take().View.Get(envoy.RouteType, envoy.RouteName)
	}
	return m, routes
}

func serviceIn(namespace, name string) store.Change {
	s := serviceNamed(name)
	s.Namespace = namespace
	return store.Change{Ref: model.ObjectRef{Kind: "Service", Namespace: namespace, Name: name}, Object: s}
}

// comeAndGo publishes a service more, and then one less.
func (m *mesh) comeAndGo() {
	c := serviceIn("ns7", "extra")
	m.store.Apply([]store.Change{c})
	m.hub.Publish(time.Now())
	m.store.Apply([]store.Change{{Ref: c.Ref}})
	m.hub.Publish(time.Now())
}
