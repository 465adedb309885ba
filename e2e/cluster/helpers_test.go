package cluster_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/e2e/backend"
	"github.com/coastwise/coastwise/e2e/cluster"
)

// startBackend listens on port 8080 of a Pod's address until the end of the test.
func startBackend(t *testing.T, p *corev1.Pod, ip string) {
	address := net.JoinHostPort(ip, "8080")
	b, err := backend.Start(address, p.Spec.NodeName, os.Stderr)
	if err != nil {
		t.Error(err)
		return
	}
	t.Cleanup(b.Kill)
	if err := backend.WaitListening(b, address, time.Now().Add(patience)); err != nil {
		t.Error(err)
	}
}

// wantAnswer asks the server at a Pod's address who it is.
func wantAnswer(t *testing.T, ip string) {
	t.Helper()
	cluster.Eventually(t, patience, func() error {
		resp, err := http.Get("http://" + net.JoinHostPort(ip, "8080"))
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if got := resp.Header.Get(backend.EndpointHeader); got != ip+":8080" {
			body, _ := io.ReadAll(resp.Body)
			return fmt.Errorf("%s answered as %q: %s", ip, got, body)
		}
		return nil
	})
}
