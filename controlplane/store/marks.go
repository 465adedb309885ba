package store

import (
	"iter"
	"time"

	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// marks is what changed since the last Take. since is zero exactly if nothing is
// marked.
type marks struct {
	keys       map[model.Key]bool
	pods       map[ingest.PodName]bool
	namespaces map[string]bool
	nodes      bool
	mesh       bool
	since      time.Time
}

func newMarks() marks {
	return marks{
		keys:       map[model.Key]bool{},
		pods:       map[ingest.PodName]bool{},
		namespaces: map[string]bool{},
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

func (m *marks) pod(p ingest.PodName) {
	m.touch()
	m.pods[p] = true
}

func (m *marks) namespace(name string) {
	m.touch()
	m.namespaces[name] = true
}

func (m *marks) node() {
	m.touch()
	m.nodes = true
}

// everything marks every key; Take lists them.
func (m *marks) everything() {
	m.touch()
	m.mesh = true
}
