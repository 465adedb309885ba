package cluster

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// ApplyGatewayAPI applies the standard CRDs of the Gateway API, of the version that
// go.mod names, and returns when the kinds that coastwise reads can be listed.
func (c *Cluster) ApplyGatewayAPI(t testing.TB) {
	t.Helper()
	folder, err := gatewayAPI()
	if err != nil {
		t.Fatal(err)
	}
	for _, plural := range []string{"gatewayclasses", "gateways", "httproutes", "grpcroutes", "referencegrants"} {
		file := filepath.Join(folder, "gateway.networking.k8s.io_"+plural+".yaml")
		c.Kubectl(t, "apply", "--server-side", "-f", file)
		c.Kubectl(t, "wait", "--for=condition=Established", "--timeout=30s", "-f", file)
		r := schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: plural}
		Eventually(t, patience, func() error {
			limited, cancel := ctx()
			defer cancel()
			_, err := c.dynamic.Resource(r).List(limited, metav1.ListOptions{Limit: 1})
			return err
		})
	}
}

// gatewayAPI is the folder of its standard CRDs, in the module cache.
func gatewayAPI() (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go list -m sigs.k8s.io/gateway-api: %w", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "config", "crd", "standard"), nil
}
