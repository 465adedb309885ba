package cluster

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coastwise/coastwise/e2e/checkout"
)

// GatewayChannel is a channel of the Gateway API's releases.
type GatewayChannel string

// The channels. Retries and sessionPersistence are in the experimental one alone.
const (
	GatewayStandard     GatewayChannel = "standard"
	GatewayExperimental GatewayChannel = "experimental"
)

// gatewayKinds are those of the Gateway API that coastwise reads.
var gatewayKinds = []string{"gatewayclasses", "gateways", "httproutes", "grpcroutes", "referencegrants"}

// ApplyGatewayAPI applies the CRDs of one channel as a user does, from the module whose
// types coastwise is built with, and returns when every kind can be listed. A later call
// may change the channel.
func (c *Cluster) ApplyGatewayAPI(t testing.TB, channel GatewayChannel) {
	t.Helper()
	args := []string{}
	for _, kind := range gatewayKinds {
		args = append(args, "-f", filepath.Join(gatewayModule(t), "config/crd", string(channel), "gateway.networking.k8s.io_"+kind+".yaml"))
	}
	// Server-side: the annotation of a client's apply has no room for a CRD of this size.
	c.Kubectl(t, append([]string{"apply", "--server-side", "--force-conflicts"}, args...)...)
	c.Kubectl(t, append([]string{"wait", "--for=condition=Established", "--timeout=30s"}, args...)...)
	for _, kind := range gatewayKinds {
		Eventually(t, patience, func() error {
			if r := c.TryKubectl(t, "", "get", kind+".gateway.networking.k8s.io", "-A"); r.Code != 0 {
				return fmt.Errorf("kubectl get %s: %s", kind, r.Stderr)
			}
			return nil
		})
	}
}

// DeleteGatewayAPI deletes them, with all objects.
func (c *Cluster) DeleteGatewayAPI(t testing.TB) {
	t.Helper()
	args := []string{"delete", "crd", "--ignore-not-found"}
	for _, kind := range gatewayKinds {
		args = append(args, kind+".gateway.networking.k8s.io")
	}
	c.Kubectl(t, args...)
}

// gatewayModule is the folder of the module in the version that go.mod names.
func gatewayModule(t testing.TB) string {
	t.Helper()
	root, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	list := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatalf("%s: %v", list, err)
	}
	return strings.TrimSpace(string(out))
}
