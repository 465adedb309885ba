package kubefaults_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/kube"
	"github.com/coastwise/coastwise/e2e/loopback"
)

// An API server that never comes: coastwise is not ready, and after 60 s it exits with
// 1 and names what it could not read.
func TestServerNeverComes(t *testing.T) {
	t.Parallel()
	server, log := startAlone(t)
	began := time.Now()
	client := http.Client{Timeout: time.Second}
	answers := 0
	for server.Running() && time.Since(began) < 90*time.Second {
		if resp, err := client.Get("http://" + server.Admin + "/readyz"); err == nil {
			answers++
			resp.Body.Close()
			if resp.StatusCode != http.StatusServiceUnavailable {
				t.Fatalf("/readyz says %d without an API server", resp.StatusCode)
			}
		}
		time.Sleep(200 * time.Millisecond)
	}
	lasted := time.Since(began)
	exit := (*exec.ExitError)(nil)
	if !errors.As(server.Err(), &exit) || exit.ExitCode() != 1 || lasted < 58*time.Second || lasted > 66*time.Second || answers < 100 {
		t.Errorf("after %v: %v (running: %v), not exit code 1 after 60 s; /readyz answered %d times", lasted, server.Err(), server.Running(), answers)
	}
	content, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	last := lines[len(lines)-1]
	for _, word := range []string{"namespaces: ", "nodes: ", "services: ", "endpointslices.discovery.k8s.io: ", "pods: ", "connection refused"} {
		if !strings.Contains(last, word) {
			t.Errorf("its last line does not say %q: %s", word, last)
		}
	}
	t.Logf("exit code 1 after %v: %s", lasted.Round(time.Millisecond), last)
}

// startAlone starts coastwise with a kubeconfig where nobody listens; the second
// result is the path of its log.
func startAlone(t *testing.T) (*coastwise.Server, string) {
	t.Helper()
	block, err := loopback.Claim()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(block.Release)
	k := clientcmdapi.NewConfig()
	k.Clusters["none"] = &clientcmdapi.Cluster{Server: "https://" + block.Address(1, 1) + ":6443"}
	k.AuthInfos["none"] = &clientcmdapi.AuthInfo{Token: "none"}
	k.Contexts["none"] = &clientcmdapi.Context{Cluster: "none", AuthInfo: "none"}
	k.CurrentContext = "none"
	config := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*k, config); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(t.TempDir(), "coastwise.log")
	server, err := tools.Coastwise.Start(coastwise.Serve{
		Kubeconfig: config, XDS: fmt.Sprint(block.Address(1, 2), ":15010"), Admin: fmt.Sprint(block.Address(1, 2), ":15014"), Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Stop(kube.Patience) })
	return server, log
}
