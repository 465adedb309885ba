package cluster

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// BaseControllers are the controllers that every cluster has: those that make
// EndpointSlices, ServiceAccounts (a Pod is not admitted without), Pods of Deployments,
// and those that clean up.
func BaseControllers() []string {
	return []string{
		"endpointslice-controller", "endpointslice-mirroring-controller", "serviceaccount-controller",
		"namespace-controller", "garbage-collector-controller", "deployment-controller", "replicaset-controller",
	}
}

// Controllers runs one more kube-controller-manager, with just these controllers.
func (c *Cluster) Controllers(t testing.TB, names ...string) {
	t.Helper()
	if err := c.startControllers(names); err != nil {
		t.Fatal(err)
	}
}

// startControllers runs kube-controller-manager, each controller under its own
// ServiceAccount, and waits for the default ServiceAccount where one makes it.
func (c *Cluster) startControllers(names []string) error {
	p, err := c.run("kube-controller-manager",
		"--kubeconfig="+c.file(managerConfig),
		"--controllers="+strings.Join(names, ","),
		"--leader-elect=false", "--secure-port=0", "--use-service-account-credentials",
		"--service-account-private-key-file="+c.file(accountKey), "--root-ca-file="+c.file(caFile),
		"--kube-api-qps=200", "--kube-api-burst=400", "--profiling=false")
	if err != nil {
		return err
	}
	c.managers = append(c.managers, p)
	return p.Await(time.Now().Add(patience), func() error {
		if !strings.Contains(strings.Join(names, " "), "serviceaccount-controller") {
			return nil
		}
		return c.hasDefaultAccount("default")
	})
}

// StopControllers ends every kube-controller-manager: from now on nothing follows
// Pods, Services and namespaces.
func (c *Cluster) StopControllers(t testing.TB) {
	t.Helper()
	c.own(t, "stopping the controllers")
	for _, p := range c.managers {
		p.Stop(5 * time.Second)
	}
	c.managers = nil
}

func (c *Cluster) hasDefaultAccount(namespace string) error {
	limited, cancel := ctx()
	defer cancel()
	_, err := c.client.CoreV1().ServiceAccounts(namespace).Get(limited, "default", metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("namespace %s: %w", namespace, err)
	}
	return nil
}
