package snapshot

import (
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// Of the bulk benchmarks: services of so many endpoints each, on as many Nodes as
// there are proxy classes, in 3 zones.
const (
	bulkServices  = 5000
	bulkEndpoints = 30
	bulkNodes     = 50
)

// BenchmarkMeshEdit changes a default of 5,000 services, which 50 classes see.
func BenchmarkMeshEdit(b *testing.B) {
	benchBulk(b, func(turn int) store.Change {
		m := &v1alpha1.MeshConfig{}
		m.Name = "default"
		m.Spec.LocalityLbSetting = &v1alpha1.LocalityLbSetting{}
		if turn%2 == 0 {
			m.Spec.LocalityLbSetting.Failover = []v1alpha1.Failover{{From: "r", To: "s"}}
		}
		return store.Change{Ref: model.ObjectRef{Kind: "MeshConfig", Name: "default"}, Object: m}
	})
}

// BenchmarkNodeMove moves a Node, and one endpoint of 3 of 5 services with it, to another zone.
func BenchmarkNodeMove(b *testing.B) {
	benchBulk(b, func(turn int) store.Change { return bulkNode(0, turn%3) })
}

// benchBulk says how long a bulk change takes whole, and how long the change of one
// endpoint waits that comes 1 ms after it.
func benchBulk(b *testing.B, change func(turn int) store.Change) {
	h, st := newHub(b)
	bulkWorld(b, h, st)
	go func() { _ = h.Run(b.Context()) }()
	var whole, waits time.Duration
	turn := 0
	for b.Loop() {
		turn++
		start := time.Now()
		st.ApplyAPI([]store.Change{change(turn)})
		time.Sleep(time.Millisecond)
		single := time.Now()
		st.ApplyAPI([]store.Change{bulkSlice(7, turn)})
		waits += bulkShown(h, turn).Sub(single)
		for h.store.Marked() || h.taking.Load() > 0 || h.unfinished() {
			time.Sleep(time.Millisecond)
		}
		whole += time.Since(start)
	}
	b.ReportMetric(float64(whole.Milliseconds())/float64(turn), "ms-whole/op")
	b.ReportMetric(float64(waits.Milliseconds())/float64(turn), "ms-single-waits/op")
}

// bulkShown is when the single change was published.
func bulkShown(h *Hub, turn int) time.Time {
	want := fmt.Sprintf("10.9.%d.%d", turn>>8&255, turn&255)
	for {
		e := h.Snapshot().Entries[model.ServiceKey("default", "s7")]
		if e != nil && slices.ContainsFunc(e.Ports[0].Endpoints, func(p model.Endpoint) bool { return p.Address == want }) {
			return time.Now()
		}
		time.Sleep(100 * time.Microsecond)
	}
}

func bulkWorld(b *testing.B, h *Hub, st *store.Store) {
	var all []store.Change
	for i := range bulkNodes {
		all = append(all, bulkNode(i, i%3))
	}
	for i := range bulkServices {
		s := &corev1.Service{}
		s.Namespace, s.Name = "default", fmt.Sprint("s", i)
		s.Spec.Ports = []corev1.ServicePort{{Name: "http", Port: 80}}
		all = append(all, store.Change{Ref: model.ObjectRef{Kind: "Service", Namespace: "default", Name: s.Name}, Object: s}, bulkSlice(i, 0))
	}
	st.ApplyAPI(all)
	h.Publish(time.Now())
	for i := range bulkNodes {
		m := bulkClient(b, h, i)
		m.WatchAll(true)
		view := m.Take().View
		for _, name := range view.Names(envoy.ClusterType) {
			view.Get(envoy.EndpointType, name)
		}
	}
}

func bulkClient(b *testing.B, h *Hub, i int) *Member {
	m, err := h.Join(model.Proxy{
		ID: fmt.Sprint("default/c", i), Kind: model.Sidecar, Namespace: "default", Node: fmt.Sprint("n", i),
		Locality: model.Locality{Region: "r", Zone: fmt.Sprint("z", i%3)}, Bind: "127.0.0.1", HTTPProxyPort: 15080,
	})
	if err != nil {
		b.Fatal(err)
	}
	return m
}

func bulkNode(i, zone int) store.Change {
	n := &corev1.Node{}
	n.Name = fmt.Sprint("n", i)
	n.Labels = map[string]string{corev1.LabelTopologyRegion: "r", corev1.LabelTopologyZone: fmt.Sprint("z", zone)}
	return store.Change{Ref: model.ObjectRef{Kind: "Node", Name: n.Name}, Object: n}
}

func bulkSlice(service, turn int) store.Change {
	s := &discoveryv1.EndpointSlice{AddressType: discoveryv1.AddressTypeIPv4}
	s.Namespace, s.Name = "default", fmt.Sprint("s", service, "-a")
	s.Labels = map[string]string{discoveryv1.LabelServiceName: fmt.Sprint("s", service)}
	name, port := "http", int32(8080)
	s.Ports = []discoveryv1.EndpointPort{{Name: &name, Port: &port}}
	for i := range bulkEndpoints {
		node := fmt.Sprint("n", (service+i)%bulkNodes)
		address := fmt.Sprintf("10.%d.%d.%d", 10+service>>8, service&255, i)
		if i == 0 && turn > 0 {
			address = fmt.Sprintf("10.9.%d.%d", turn>>8&255, turn&255)
		}
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{address}, NodeName: &node})
	}
	return store.Change{Ref: model.ObjectRef{Kind: "EndpointSlice", Namespace: "default", Name: s.Name}, Object: s}
}
