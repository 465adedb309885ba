package cluster_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/manifest"
)

const patience = 30 * time.Second

// service is a Service for Pods that are labelled app: shop.
func service(namespace, extra string) string {
	return manifest.Service(namespace, "shop", 80, "    targetPort: 8080\n  selector: {app: shop}\n"+extra)
}

// endpoints are those of shop's slices.
func endpoints(t *testing.T, c *cluster.Cluster, namespace string) []discoveryv1.Endpoint {
	t.Helper()
	slices, err := c.Client().DiscoveryV1().EndpointSlices(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=shop"})
	if err != nil {
		t.Fatal(err)
	}
	var out []discoveryv1.Endpoint
	for _, s := range slices.Items {
		out = append(out, s.Endpoints...)
	}
	return out
}

// told is one line for each endpoint: address, zone, readiness and hints, sorted.
func told(all []discoveryv1.Endpoint) string {
	var out []string
	for _, e := range all {
		line := fmt.Sprintf("%s %s %v", e.Addresses[0], *e.Zone, *e.Conditions.Ready)
		if e.Hints != nil {
			for _, z := range e.Hints.ForZones {
				line += " for " + z.Name
			}
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func wantEndpoints(t *testing.T, c *cluster.Cluster, namespace, want string) {
	t.Helper()
	cluster.Eventually(t, patience, func() error {
		if got := told(endpoints(t, c, namespace)); got != want {
			return fmt.Errorf("endpoints are\n%s\nnot\n%s", got, want)
		}
		return nil
	})
}

// Pods become slices with the real controller's hints.
func TestSlicesAndHints(t *testing.T) {
	c := shared.For(t)
	ns := c.Namespace(t, "shop")
	labels := map[string]string{"app": "shop"}
	var lines []string
	for _, zone := range []string{"a", "b"} {
		c.Node(t, "hints-"+zone, "eu", "eu-"+zone, "4")
		ip := c.Pod(t, cluster.Pod{Namespace: ns, Name: "shop-" + zone, Node: "hints-" + zone, Labels: labels})
		lines = append(lines, fmt.Sprintf("%s eu-%s true for eu-%s", ip, zone, zone))
	}
	c.Apply(t, service(ns, "  trafficDistribution: PreferSameZone\n"))
	wantEndpoints(t, c, ns, strings.Join(lines, "\n"))

	c.SetReady(t, ns, "shop-b", false)
	gone := strings.Replace(lines[1], "true for eu-b", "false", 1)
	wantEndpoints(t, c, ns, strings.Join([]string{lines[0], gone}, "\n"))
	if table := c.Kubectl(t, "get", "pods", "-n", ns); !strings.Contains(table, "1/1     Running") {
		t.Errorf("kubectl sees no running pod:\n%s", table)
	}
}

// What semantics 7 takes for a pod that was never ready, and for one that was.
func TestNeverReady(t *testing.T) {
	c := shared.For(t)
	ns := c.Namespace(t, "never")
	c.Node(t, "never-1", "eu", "eu-a", "4")
	c.Pod(t, cluster.Pod{Namespace: ns, Name: "never", Node: "never-1", NeverReady: true})
	c.Pod(t, cluster.Pod{Namespace: ns, Name: "once", Node: "never-1"})
	c.SetReady(t, ns, "once", false)
	for name, never := range map[string]bool{"never": true, "once": false} {
		p, err := c.Client().CoreV1().Pods(ns).Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(p.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.PodReady })
		since := p.Status.Conditions[i].LastTransitionTime.Sub(p.Status.StartTime.Time)
		if p.Status.Conditions[i].Status != corev1.ConditionFalse || (since <= 2*time.Second) != never {
			t.Errorf("%s: Ready is %s since %v after the start", name, p.Status.Conditions[i].Status, since)
		}
	}
}

// Pods of a Deployment are bound, started, made ready and taken away.
func TestKubelet(t *testing.T) {
	c := shared.For(t)
	ns := c.Namespace(t, "kubelet")
	for _, zone := range []string{"a", "b"} {
		c.Node(t, "kubelet-"+zone, "eu", "eu-"+zone, "4")
	}
	stopped := make(chan string, 10)
	c.Kubelet(t, cluster.Kubelet{
		ReadyAfter: 300 * time.Millisecond, StopAfter: 300 * time.Millisecond,
		Started: func(p *corev1.Pod, ip string) { startBackend(t, p, ip) },
		Stopped: func(p *corev1.Pod) { stopped <- p.Name },
	})
	c.Apply(t, manifest.Deployment(ns, 2)+"---\n"+service(ns, ""))
	zones := func() (ready []string) {
		for _, e := range endpoints(t, c, ns) {
			if *e.Conditions.Ready {
				ready = append(ready, *e.Zone)
			}
		}
		slices.Sort(ready)
		return ready
	}
	cluster.Eventually(t, patience, func() error {
		if got := strings.Join(zones(), " "); got != "eu-a eu-b" {
			return fmt.Errorf("ready in [%s]", got)
		}
		return nil
	})
	for _, e := range endpoints(t, c, ns) {
		wantAnswer(t, e.Addresses[0])
	}
	c.Kubectl(t, "scale", "-n", ns, "deployment/shop", "--replicas=0")
	cluster.Eventually(t, patience, func() error {
		if n := len(endpoints(t, c, ns)); n > 0 {
			return fmt.Errorf("%d endpoints are left", n)
		}
		return nil
	})
	if len(stopped) != 2 {
		t.Errorf("%d pods were stopped, not 2", len(stopped))
	}
}

// A rule that kubectl is refused is there once it was written into etcd.
func TestRules(t *testing.T) {
	c := shared.For(t)
	c.ApplyCRDs(t)
	ns := c.Namespace(t, "rules")
	c.Apply(t, manifest.Rule(ns, "good", "shop", "{loadBalancer: {simple: RANDOM}}"))
	if table := c.Kubectl(t, "get", "dr", "-n", ns); !strings.Contains(table, "good") {
		t.Errorf("kubectl get dr:\n%s", table)
	}
	bad := manifest.Rule(ns, "bad", "shop", "{outlierDetection: {interval: sometimes}}")
	r := c.TryKubectl(t, bad, "apply", "-f", "-")
	if r.Code == 0 || !strings.Contains(r.Stderr, "spec.trafficPolicy.outlierDetection.interval") {
		t.Errorf("exit code %d: %s", r.Code, r.Stderr)
	}
	c.WriteRaw(t, "destinationrules", bad)
	got := c.Kubectl(t, "get", "dr", "bad", "-n", ns, "-o", "jsonpath={.spec.trafficPolicy.outlierDetection.interval} {.metadata.uid}")
	if interval, uid, _ := strings.Cut(got, " "); interval != "sometimes" || uid == "" {
		t.Errorf("the raw rule reads %q", got)
	}
}

// A ServiceAccount's kubeconfig is that account's, by the audit log too.
func TestAccessAndAudit(t *testing.T) {
	c := shared.For(t)
	ns := c.Namespace(t, "access")
	k := c.KubeconfigFor(t, ns, "default")
	r := c.KubectlAs(t, k, "", "get", "pods", "-n", ns)
	if r.Code == 0 || !strings.Contains(r.Stderr, "system:serviceaccount:"+ns+":default") {
		t.Errorf("exit code %d: %s", r.Code, r.Stderr)
	}
	cluster.Eventually(t, patience, func() error {
		for _, q := range c.AuditOf(t, ns, "default") {
			if q.Verb == "list" && q.Resource == "pods" && q.Namespace == ns && q.Code == 403 {
				return nil
			}
		}
		return errors.New("no refused list of pods in the audit log")
	})
}
