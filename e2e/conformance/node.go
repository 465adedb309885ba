package conformance

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/coastwise/coastwise/e2e/cluster"
)

// zones are the places of the Nodes.
var zones = []string{"a", "b"}

// runPods makes a Node in each zone, and runs what is scheduled there until the test ends.
func runPods(t testing.TB, c *cluster.Cluster) {
	t.Helper()
	p := &pods{t: t, all: map[types.UID]*podServer{}, logs: map[types.NamespacedName]*podLog{}}
	t.Cleanup(p.stopAll)
	mux := http.NewServeMux()
	mux.Handle("GET /containerLogs/{namespace}/{pod}/{container}", p)
	address := c.Address(t)
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(mux)
	server.Listener.Close()
	server.Listener = l
	server.StartTLS()
	t.Cleanup(server.Close)
	for _, zone := range zones {
		name := "node-" + zone
		c.Node(t, name, "eu", zone, "8")
		reachable(t, c, name, address, l.Addr().(*net.TCPAddr).Port)
	}
	c.Kubelet(t, cluster.Kubelet{Started: p.start, Stopped: p.stop})
}

// reachable tells the API server where it finds the kubelet of a Node.
func reachable(t testing.TB, c *cluster.Cluster, node, address string, port int) {
	t.Helper()
	nodes := c.Client().CoreV1().Nodes()
	n, err := nodes.Get(context.Background(), node, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	n.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: address}}
	n.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(port)
	if _, err := nodes.UpdateStatus(context.Background(), n, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}
