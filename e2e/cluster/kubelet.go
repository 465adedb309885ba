package cluster

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

// Kubelet stands in for the scheduler and all kubelets.
type Kubelet struct {
	// ReadyAfter is how long a Pod runs unready after its start.
	ReadyAfter time.Duration
	// MayBeReady is asked before a Pod becomes ready, and again soon after an error;
	// nil lets every Pod.
	MayBeReady func(pod *corev1.Pod) error
	// StopAfter is how long a deleted Pod is terminating.
	StopAfter time.Duration
	// Started is called with each Pod and its address, before its status has it;
	// listen there. The addresses are real, as of Cluster.Address.
	Started func(pod *corev1.Pod, ip string)
	// Stopped is called when a deleted Pod is about to be taken away.
	Stopped func(pod *corev1.Pod)
}

// kubelet is a running Kubelet.
type kubelet struct {
	Kubelet
	cluster *Cluster
	t       testing.TB
	ctx     context.Context
	work    sync.WaitGroup
	turn    int

	mu sync.Mutex
	// seen is the steps that were begun, by Pod.
	seen map[types.UID]map[string]bool
}

// Kubelet runs Pods until the end of the test, those of c.Pod excepted: it binds each to
// the next node that is Ready, in order of names, starts it, makes it ready, and takes
// it away when it is deleted. There must be one of it at a time.
func (c *Cluster) Kubelet(t testing.TB, k Kubelet) {
	t.Helper()
	if k.Started != nil {
		if err := c.pods.Route(); err != nil {
			t.Fatal(err)
		}
	}
	alive, cancel := context.WithCancel(context.Background())
	r := &kubelet{Kubelet: k, cluster: c, t: t, ctx: alive, seen: map[types.UID]map[string]bool{}}
	factory := informers.NewSharedInformerFactory(c.client, 0)
	informer := factory.Core().V1().Pods().Informer()
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { r.step(o.(*corev1.Pod)) },
		UpdateFunc: func(_, o any) { r.step(o.(*corev1.Pod)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	factory.Start(alive.Done())
	t.Cleanup(func() {
		cancel()
		factory.Shutdown()
		r.work.Wait()
	})
}

// step does the next thing for a Pod, each once.
func (k *kubelet) step(p *corev1.Pod) {
	switch {
	case p.Annotations[byHand] != "":
	case p.DeletionTimestamp != nil:
		k.begin(p, "stop", k.StopAfter, k.stop)
	case p.Spec.NodeName == "":
		k.begin(p, "bind", 0, k.bind)
	case p.Status.PodIP == "":
		if k.once(p, "start") {
			k.later(p, 0, k.starter(p))
		}
	default:
		k.begin(p, "ready", k.ReadyAfter, k.ready)
	}
}

func (k *kubelet) begin(p *corev1.Pod, what string, delay time.Duration, do func(*corev1.Pod) error) {
	if k.once(p, what) {
		k.later(p, delay, do)
	}
}

// once says that a step of a Pod was not begun yet, and begins it.
func (k *kubelet) once(p *corev1.Pod, what string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.seen[p.UID] == nil {
		k.seen[p.UID] = map[string]bool{}
	}
	first := !k.seen[p.UID][what]
	k.seen[p.UID][what] = true
	return first
}

// later does something for a Pod after a delay, again and again while the API server
// does not answer.
func (k *kubelet) later(p *corev1.Pod, delay time.Duration, do func(*corev1.Pod) error) {
	k.work.Go(func() {
		for wait := delay; ; wait = 200 * time.Millisecond {
			select {
			case <-k.ctx.Done():
				return
			case <-time.After(wait):
			}
			err := do(p)
			if err == nil || apierrors.IsNotFound(err) {
				return
			}
			if apierrors.IsInvalid(err) || apierrors.IsForbidden(err) {
				k.t.Errorf("pod %s/%s: %v", p.Namespace, p.Name, err)
				return
			}
		}
	})
}

// bind binds a Pod to the next node; without any node it waits for one.
func (k *kubelet) bind(p *corev1.Pod) error {
	list, err := k.cluster.client.CoreV1().Nodes().List(k.ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	nodes := slices.DeleteFunc(list.Items, func(n corev1.Node) bool { return !isReady(n) })
	if len(nodes) == 0 {
		return context.DeadlineExceeded
	}
	slices.SortFunc(nodes, func(a, b corev1.Node) int { return strings.Compare(a.Name, b.Name) })
	k.mu.Lock()
	node := nodes[k.turn%len(nodes)].Name
	k.turn++
	k.mu.Unlock()
	err = k.cluster.bind(k.ctx, p, node)
	if apierrors.IsConflict(err) {
		return nil // it is bound
	}
	return err
}

func isReady(n corev1.Node) bool {
	return slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

// starter starts a Pod now, and gives what writes its status, however often that has
// to be tried.
func (k *kubelet) starter(p *corev1.Pod) func(*corev1.Pod) error {
	ip, start := k.cluster.pods.Next(), time.Now()
	if k.Started != nil {
		k.Started(p, ip)
	}
	return func(p *corev1.Pod) error {
		return k.cluster.editStatus(k.ctx, p, func(s *corev1.PodStatus) { running(s, []string{ip}, start, false) })
	}
}

func (k *kubelet) ready(p *corev1.Pod) error {
	if k.MayBeReady != nil {
		if err := k.MayBeReady(p); err != nil {
			return err
		}
	}
	return k.cluster.editStatus(k.ctx, p, func(s *corev1.PodStatus) { setReady(s, true, metav1.Now()) })
}

func (k *kubelet) stop(p *corev1.Pod) error {
	if k.Stopped != nil && k.once(p, "stopped") {
		k.Stopped(p)
	}
	o := metav1.NewDeleteOptions(0)
	o.Preconditions = metav1.NewUIDPreconditions(string(p.UID))
	return k.cluster.client.CoreV1().Pods(p.Namespace).Delete(k.ctx, p.Name, *o)
}
