package cluster_test

import (
	"strings"
	"testing"

	"github.com/coastwise/coastwise/e2e/cluster"
)

// Objects outlive the API server; what was made after a snapshot is gone with it.
func TestKillRestartRestore(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	url := c.URL()
	before := c.Namespace(t, "before")
	snapshot := c.SnapshotEtcd(t)
	c.Namespace(t, "after")

	c.KillAPIServer(t)
	if r := c.TryKubectl(t, "", "get", "namespaces"); r.Code == 0 {
		t.Errorf("kubectl is answered by a killed API server: %s", r.Stdout)
	}
	c.RestartAPIServer(t)
	names := c.Kubectl(t, "get", "namespaces", "-o", "name")
	if !strings.Contains(names, "namespace/before") || !strings.Contains(names, "namespace/after") || c.URL() != url {
		t.Errorf("after the restart at %s (before: %s): %s", c.URL(), url, names)
	}

	c.RestoreEtcd(t, snapshot)
	names = c.Kubectl(t, "get", "namespaces", "-o", "name")
	if !strings.Contains(names, "namespace/"+before) || strings.Contains(names, "namespace/after") {
		t.Errorf("after the restore: %s", names)
	}
	if n := len(c.AuditLog(t)); n == 0 {
		t.Error("the audit log is empty")
	}
}

// Two clusters at a time have nothing in common.
func TestTwoClusters(t *testing.T) {
	first, second := cluster.Start(t, cluster.Options{NoControllers: true}), cluster.Start(t, cluster.Options{NoControllers: true})
	if first.URL() == second.URL() || first.Address(t) == second.Address(t) {
		t.Errorf("both are at %s, or share addresses of pods", first.URL())
	}
	first.Namespace(t, "mine")
	if names := second.Kubectl(t, "get", "namespaces", "-o", "name"); strings.Contains(names, "mine") {
		t.Errorf("the second cluster has the first one's namespace: %s", names)
	}
}
