package conformance

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/envoyproc"
	"github.com/coastwise/coastwise/e2e/kube"
)

// className is the GatewayClass that the suite's Gateways have.
const className = "coastwise"

// adminPort is where the Envoy of a Gateway has its admin page, at the Gateway's address.
const adminPort = 15000

// gateways does for each Gateway of the class what its operator does: an Envoy, and a
// Service of type LoadBalancer whose address leads to it.
type gateways struct {
	t     testing.TB
	scene *kube.Scene
	dir   string
	ctx   context.Context
	work  sync.WaitGroup

	mu      sync.Mutex
	running map[types.UID]*running
}

// running is one Gateway's.
type running struct {
	service types.NamespacedName
	gone    chan struct{}
}

// runGateways does so until the test ends.
func runGateways(t testing.TB, s *kube.Scene) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	g := &gateways{t: t, scene: s, dir: t.TempDir(), ctx: ctx, running: map[types.UID]*running{}}
	factory := dynamicinformer.NewDynamicSharedInformerFactory(s.Cluster.Dynamic(), 0)
	resource := schema.GroupVersionResource{Group: gatewayv1.GroupName, Version: "v1", Resource: "gateways"}
	informer := factory.ForResource(resource).Informer()
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(o any) { g.add(o.(*unstructured.Unstructured)) },
		DeleteFunc: func(o any) {
			if d, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = d.Obj
			}
			g.remove(o.(*unstructured.Unstructured))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	factory.Start(ctx.Done())
	t.Cleanup(func() {
		cancel()
		factory.Shutdown()
		g.work.Wait()
	})
}

func (g *gateways) add(o *unstructured.Unstructured) {
	if class, _, _ := unstructured.NestedString(o.Object, "spec", "gatewayClassName"); class != className {
		return
	}
	r := &running{gone: make(chan struct{}), service: types.NamespacedName{Namespace: o.GetNamespace(), Name: "lb-" + o.GetName()}}
	g.mu.Lock()
	g.running[o.GetUID()] = r
	g.mu.Unlock()
	g.work.Go(func() {
		if err := g.run(o, r); err != nil && g.ctx.Err() == nil {
			g.t.Errorf("gateway %s/%s: %v", o.GetNamespace(), o.GetName(), err)
		}
	})
}

func (g *gateways) remove(o *unstructured.Unstructured) {
	g.mu.Lock()
	r := g.running[o.GetUID()]
	delete(g.running, o.GetUID())
	g.mu.Unlock()
	if r != nil {
		close(r.gone)
	}
}

// run starts a Gateway's Envoy and ends it when the Gateway goes.
func (g *gateways) run(o *unstructured.Unstructured, r *running) error {
	address := g.scene.Cluster.Address(g.t)
	c := coastwise.Client{
		ID: o.GetNamespace() + "." + o.GetName() + "." + string(o.GetUID())[:8], Kind: "gateway", Namespace: o.GetNamespace(),
		Gateway: o.GetNamespace() + "/" + o.GetName(), Node: "node-" + zones[0], Bind: address, AdminBind: address, AdminPort: adminPort,
	}
	bootstrap, err := g.scene.Tools.Coastwise.Bootstrap(g.ctx, c, g.scene.Server.XDS)
	if err != nil {
		return err
	}
	e, err := envoyproc.Start(envoyproc.Config{Binary: g.scene.Tools.Envoy, Name: c.ID, Dir: g.dir, Bootstrap: bootstrap, Admin: c.Admin()})
	if err != nil {
		return err
	}
	defer e.Stop(time.Second)
	if err := g.balance(o, r.service, address); err != nil {
		return err
	}
	select {
	case <-r.gone:
	case <-g.ctx.Done():
		return nil
	case <-e.Done():
		return fmt.Errorf("its Envoy ended: %w", e.Err())
	}
	err = g.scene.Cluster.Client().CoreV1().Services(r.service.Namespace).Delete(g.ctx, r.service.Name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// balance makes the Service, and gives it an address as a cloud does.
func (g *gateways) balance(o *unstructured.Unstructured, name types.NamespacedName, address string) error {
	services := g.scene.Cluster.Client().CoreV1().Services(name.Namespace)
	s, err := services.Create(g.ctx, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name.Name, Labels: map[string]string{gatewayv1.GatewayNameLabelKey: o.GetName()}},
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeLoadBalancer, AllocateLoadBalancerNodePorts: new(false), Ports: []corev1.ServicePort{{Name: "http", Port: 80}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	mode := corev1.LoadBalancerIPModeVIP
	s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: address, IPMode: &mode}}
	_, err = services.UpdateStatus(g.ctx, s, metav1.UpdateOptions{})
	return err
}

// makeClass makes the GatewayClass and waits for its status: the suite reads there what we
// say that we serve.
func makeClass(t testing.TB, c *cluster.Cluster) {
	t.Helper()
	c.Apply(t, fmt.Sprintf(`apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: %s}
spec: {controllerName: networking.coastwise.dev/gateway-controller}
`, className))
	c.Kubectl(t, "wait", "--for=condition=Accepted", "--timeout=60s", "gatewayclass/"+className)
}
