package cluster

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
)

// byHand marks the Pods whose status the test writes; Kubelet leaves them alone.
const byHand = "e2e.coastwise.dev/status-by-hand"

// Pod is a Pod to be made. Namespace, Name and Node are needed.
type Pod struct {
	Namespace, Name, Node string
	Labels                map[string]string
	// IPs are its addresses, one for each family; the default is one that no other
	// Pod has.
	IPs []string
	// Account is its ServiceAccount, "default" if empty.
	Account string
	// NeverReady leaves it running and unready since its start; by default it is
	// ready for a minute.
	NeverReady bool
	// Grace is terminationGracePeriodSeconds: how long a deleted Pod is
	// terminating, until Remove. By default deleting takes it away at once.
	Grace int64
}

// Pod makes a Pod, binds it to its node as a scheduler does and writes its status as
// the node's kubelet does: running for a minute. It returns its first address.
func (c *Cluster) Pod(t testing.TB, p Pod) string {
	t.Helper()
	if len(p.IPs) == 0 {
		p.IPs = []string{c.pods.Next()}
	}
	limited, cancel := ctx()
	defer cancel()
	pods := c.client.CoreV1().Pods(p.Namespace)
	made, err := pods.Create(limited, p.object(), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.bind(limited, made, p.Node); err != nil {
		t.Fatal(err)
	}
	start := time.Now().Add(-time.Minute)
	if err := c.editStatus(limited, made, func(s *corev1.PodStatus) { running(s, p.IPs, start, !p.NeverReady) }); err != nil {
		t.Fatal(err)
	}
	return p.IPs[0]
}

// object is restricted as Pod security has it: coastwise-system enforces that.
func (p Pod) object() *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: p.Namespace, Name: p.Name, Labels: p.Labels, Annotations: map[string]string{byHand: "true"},
		},
		Spec: corev1.PodSpec{
			ServiceAccountName: p.Account, TerminationGracePeriodSeconds: &p.Grace,
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{Name: "main", Image: "example.com/main:1", SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			}}},
		},
	}
}

func (c *Cluster) bind(ctx context.Context, p *corev1.Pod, node string) error {
	return c.client.CoreV1().Pods(p.Namespace).Bind(ctx, &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: p.Name, UID: p.UID},
		Target:     corev1.ObjectReference{APIVersion: "v1", Kind: "Node", Name: node},
	}, metav1.CreateOptions{})
}

// editStatus changes a Pod's status, again where somebody else wrote in between.
func (c *Cluster) editStatus(ctx context.Context, p *corev1.Pod, edit func(*corev1.PodStatus)) error {
	pods := c.client.CoreV1().Pods(p.Namespace)
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		current, err := pods.Get(ctx, p.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		edit(&current.Status)
		_, err = pods.UpdateStatus(ctx, current, metav1.UpdateOptions{})
		return err
	})
}

// running is the status of a Pod that was started at a time and, unless ready, was
// not ready since.
func running(s *corev1.PodStatus, ips []string, start time.Time, ready bool) {
	since := metav1.NewTime(start)
	s.Phase, s.StartTime = corev1.PodRunning, &since
	s.PodIP, s.PodIPs = ips[0], nil
	for _, ip := range ips {
		s.PodIPs = append(s.PodIPs, corev1.PodIP{IP: ip})
	}
	condition(s, corev1.PodInitialized, true, since)
	condition(s, corev1.PodReadyToStartContainers, true, since)
	setReady(s, ready, since)
}

func setReady(s *corev1.PodStatus, ready bool, since metav1.Time) {
	condition(s, corev1.ContainersReady, ready, since)
	condition(s, corev1.PodReady, ready, since)
	s.ContainerStatuses = []corev1.ContainerStatus{{
		Name: "main", Image: "example.com/main:1", Ready: ready,
		State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: *s.StartTime}},
	}}
}

// condition sets a condition; its time changes only with its value.
func condition(s *corev1.PodStatus, kind corev1.PodConditionType, value bool, since metav1.Time) {
	status := corev1.ConditionFalse
	if value {
		status = corev1.ConditionTrue
	}
	for i := range s.Conditions {
		if s.Conditions[i].Type == kind {
			if s.Conditions[i].Status != status {
				s.Conditions[i].Status, s.Conditions[i].LastTransitionTime = status, since
			}
			return
		}
	}
	s.Conditions = append(s.Conditions, corev1.PodCondition{Type: kind, Status: status, LastTransitionTime: since})
}

// SetReady makes a running Pod ready or unready from now on, as its readiness probe
// would.
func (c *Cluster) SetReady(t testing.TB, namespace, name string, ready bool) {
	t.Helper()
	limited, cancel := ctx()
	defer cancel()
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	if err := c.editStatus(limited, p, func(s *corev1.PodStatus) { setReady(s, ready, metav1.Now()) }); err != nil {
		t.Fatal(err)
	}
}

// Remove takes a Pod away at once, as a kubelet does when its containers have ended.
func (c *Cluster) Remove(t testing.TB, namespace, name string) {
	t.Helper()
	limited, cancel := ctx()
	defer cancel()
	if err := c.client.CoreV1().Pods(namespace).Delete(limited, name, *metav1.NewDeleteOptions(0)); err != nil {
		t.Fatal(err)
	}
}

// Address is an address that no other Pod of any cluster on this machine has, and on
// which real servers can listen: proxies reach them there. It needs root.
func (c *Cluster) Address(t testing.TB) string {
	t.Helper()
	if err := c.pods.Route(); err != nil {
		t.Fatal(err)
	}
	return c.pods.Next()
}
