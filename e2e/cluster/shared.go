package cluster

import (
	"sync"
	"testing"
)

// Shared is one cluster for all tests of a binary. The zero value is ready; whoever
// holds it, in TestMain, calls Stop at the end.
type Shared struct {
	Options Options

	once    sync.Once
	cluster *Cluster
	err     error
}

// For is the cluster, started by the first test that asks. A test works in
// namespaces of its own, from Namespace; what it makes there goes after it.
func (s *Shared) For(t testing.TB) *Cluster {
	t.Helper()
	s.once.Do(func() { s.cluster, s.err = start(s.Options) })
	if s.err != nil {
		t.Fatal(s.err)
	}
	s.cluster.shared = true
	t.Cleanup(func() {
		if t.Failed() {
			s.cluster.showLogs(t)
		}
	})
	return s.cluster
}

// Stop ends the cluster, if it was started.
func (s *Shared) Stop() error {
	if s.cluster == nil || s.err != nil {
		return nil
	}
	return s.cluster.stop()
}
