package kubefaults_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/kube"
)

// etcd is restored from an old backup, and all versions go back: what was made after
// the backup goes, what was deleted is there again, and the rule is the old one. No
// request fails, nothing is stuck, and what changes next is seen at once, though by
// versions that were there before.
func TestOldBackup(t *testing.T) {
	t.Parallel()
	z, way := newOutage(t)
	way.Open(t)
	c := z.Cluster
	c.Apply(t, z.service("deleted"))
	client := z.client()
	cluster.Eventually(t, kube.Patience, clustersAre(client, map[string]bool{kube.Outbound(z.namespace, "deleted"): true}))
	stream := client.Stream(z.host)
	backup := c.SnapshotEtcd(t)

	c.Apply(t, z.turn())
	c.Apply(t, z.service("made"))
	c.Kubectl(t, "delete", "service", "deleted", "-n", z.namespace)
	age(t, z, 500)
	client.Holds(z.cluster(), z.lists()...)
	cluster.Eventually(t, kube.Patience, clustersAre(client, afterBackup(z, true)))
	stream.Next()

	before := resourceVersion(t, z)
	// One that starts refuses everything for a moment, which makes coastwise read
	// everything anew. Behind a load balancer it is not seen before it is ready.
	way.Cut()
	c.RestoreEtcd(t, backup)
	way.Open(t)
	returned := time.Now()
	z.turn()
	d := took(t, returned, late, func() error {
		return errors.Join(client.Lacks(z.cluster(), z.lists()...), clustersAre(client, afterBackup(z, false))())
	})
	t.Logf("restored: version %s became %s; the old state is back %v after the API server", before, resourceVersion(t, z), d)
	stream.Next()

	// The controllers' own caches know later versions than there are; a user restarts
	// them too.
	c.StopControllers(t)
	c.Controllers(t, cluster.BaseControllers()...)
	for range 2 {
		c.Apply(t, z.turn())
		d = took(t, time.Now(), late, func() error { return client.Lacks(z.cluster(), z.lists()...) })
		t.Logf("restored: the next rule arrives %v after kubectl's return", d)
	}
	z.addPod(0)
	c.Apply(t, z.service("made"))
	d = took(t, time.Now(), late, func() error {
		return errors.Join(client.Lacks(z.cluster(), z.lists()...), clustersAre(client, map[string]bool{kube.Outbound(z.namespace, "made"): true})())
	})
	t.Logf("restored: a new Pod and a Service have arrived %v after kubectl's return", d)
	stream.End()
}

// afterBackup is which clusters there are: those made after the backup, or before.
func afterBackup(z *shop, after bool) map[string]bool {
	return map[string]bool{kube.Outbound(z.namespace, "made"): after, kube.Outbound(z.namespace, "deleted"): !after}
}

// clustersAre says in what an Envoy's clusters differ.
func clustersAre(c *kube.Client, want map[string]bool) func() error {
	return func() error {
		for name, there := range want {
			if has, err := hasCluster(c, name); err != nil || has != there {
				return fmt.Errorf("has %s: %v; %w", name, has, err)
			}
		}
		return nil
	}
}

// age makes etcd's versions n newer.
func age(t *testing.T, z *shop, n int) {
	t.Helper()
	for i := range n {
		patch := fmt.Appendf(nil, `{"metadata": {"annotations": {"turn": "%d"}}}`, i)
		_, err := z.Cluster.Client().CoreV1().Namespaces().Patch(t.Context(), z.namespace, types.MergePatchType, patch, metav1.PatchOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// resourceVersion is the API server's newest version.
func resourceVersion(t *testing.T, z *shop) string {
	t.Helper()
	list, err := z.Cluster.Client().CoreV1().ConfigMaps(z.namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return list.ResourceVersion
}
