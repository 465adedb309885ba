package store

import (
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// marks is what changed since the last Take. since is zero exactly if nothing is
// marked.
type marks struct {
	keys       map[model.Key]bool
	bulk       map[model.Key]bool // those that only one object among many services touched
	pods       map[ingest.PodName]bool
	workloads  map[model.WorkloadName]bool
	namespaces map[string]bool
	gateways   map[model.GatewayName]bool
	nodes      bool
	mesh       bool // all keys are marked
	bulkMesh   bool // all keys are marked, as bulk
	since      time.Time
}

func newMarks() marks {
	return marks{
		keys:       map[model.Key]bool{},
		bulk:       map[model.Key]bool{},
		pods:       map[ingest.PodName]bool{},
		workloads:  map[model.WorkloadName]bool{},
		namespaces: map[string]bool{},
		gateways:   map[model.GatewayName]bool{},
	}
}

// touch notes when the first mark was set.
func (m *marks) touch() {
	if m.since.IsZero() {
		m.since = time.Now()
	}
}

func (m *marks) key(k model.Key) {
	m.touch()
	m.keys[k] = true
}

func (m *marks) all(keys iter.Seq[model.Key]) {
	for k := range keys {
		m.key(k)
	}
}

// many marks what an object touches that many services may hang on.
func (m *marks) many(keys iter.Seq[model.Key], alone bool) {
	if !alone {
		m.all(keys)
		return
	}
	for k := range keys {
		m.touch()
		m.bulk[k] = true
	}
}

func (m *marks) pod(p ingest.PodName) {
	m.touch()
	m.pods[p] = true
}

func (m *marks) workload(w model.WorkloadName) {
	m.touch()
	m.workloads[w] = true
}

func (m *marks) namespace(name string) {
	m.touch()
	m.namespaces[name] = true
}

func (m *marks) gateway(name model.GatewayName) {
	m.touch()
	m.gateways[name] = true
}

func (m *marks) node() {
	m.touch()
	m.nodes = true
}

// everything marks every key; Take lists them.
func (m *marks) everything(alone bool) {
	m.touch()
	m.mesh, m.bulkMesh = m.mesh || !alone, m.bulkMesh || alone
}

// taken are the marks as a Dirty. known is every key.
func (m *marks) taken(known iter.Seq[model.Key]) Dirty {
	if m.mesh {
		m.all(known)
	}
	if m.bulkMesh {
		m.many(known, true)
	}
	maps.DeleteFunc(m.bulk, func(k model.Key, _ bool) bool { return m.keys[k] })
	return Dirty{
		Keys:       slices.SortedFunc(maps.Keys(m.keys), model.Key.Compare),
		Bulk:       slices.SortedFunc(maps.Keys(m.bulk), model.Key.Compare),
		Gateways:   slices.SortedFunc(maps.Keys(m.gateways), model.GatewayName.Compare),
		Nodes:      m.nodes,
		Pods:       slices.SortedFunc(maps.Keys(m.pods), comparePods),
		Workloads:  slices.SortedFunc(maps.Keys(m.workloads), model.WorkloadName.Compare),
		Namespaces: slices.Sorted(maps.Keys(m.namespaces)),
		Mesh:       m.mesh || m.bulkMesh,
		Since:      m.since,
	}
}
