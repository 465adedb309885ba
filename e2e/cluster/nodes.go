package cluster

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Node makes a Node that is Ready and has this many CPUs ("4", "500m"); its region
// and zone labels are left out where they are empty, and so is the CPU. It goes after
// the test where the cluster is shared.
func (c *Cluster) Node(t testing.TB, name, region, zone, cpu string) {
	t.Helper()
	limited, cancel := ctx()
	defer cancel()
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name}}}
	for key, value := range map[string]string{corev1.LabelTopologyRegion: region, corev1.LabelTopologyZone: zone} {
		if value != "" {
			n.Labels[key] = value
		}
	}
	nodes := c.client.CoreV1().Nodes()
	n, err := nodes.Create(limited, n, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if c.shared {
		t.Cleanup(func() { c.deleteNode(t, name) })
	}
	n.Status.Conditions = []corev1.NodeCondition{{
		Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady",
		LastHeartbeatTime: metav1.Now(), LastTransitionTime: metav1.Now(),
	}}
	if cpu != "" {
		n.Status.Capacity = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourcePods: resource.MustParse("110")}
		n.Status.Allocatable = n.Status.Capacity
	}
	if _, err := nodes.UpdateStatus(limited, n, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (c *Cluster) deleteNode(t testing.TB, name string) {
	limited, cancel := ctx()
	defer cancel()
	err := c.client.CoreV1().Nodes().Delete(limited, name, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		t.Error(err)
	}
}
