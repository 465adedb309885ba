package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coastwise/coastwise/e2e/authority"
	"github.com/coastwise/coastwise/e2e/await"
	kube "github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// A token that the API server bound to a Pod decides who and where an Envoy is. One
// that is replaced is used by the next connection; that of another pod, for another
// audience or of a pod that is gone serves nobody. coastwise runs as the account that
// may review tokens, and no token is in its log.
func TestTokensOfARealAPIServer(t *testing.T) {
	t.Parallel()
	k := kube.Start(t, kube.Options{})
	k.Node(t, "node-eu", "eu", "eu-1", "4")
	k.Node(t, "node-us", "us", "us-1", "4")
	shop := k.Namespace(t, "shop")
	k.Pod(t, kube.Pod{Namespace: shop, Name: "web-1", Node: "node-eu"})
	k.Pod(t, kube.Pod{Namespace: shop, Name: "web-2", Node: "node-us"})
	s := newScene(t, map[string]string{"web.yaml": manifest.Service("default", "web", 80, "")})
	ca, server, mounted := authority.ForTest(t), t.TempDir(), t.TempDir()
	issue(t, ca, server, "")
	put(t, filepath.Join(mounted, "ca.crt"), ca.PEM())
	s.again(serverTLS(server, "--kubeconfig", k.Kubeconfig())...)
	tokens := []string{}
	token := func(file, audience, pod string) string {
		text := k.Token(t, shop, "default", audience, pod)
		tokens = append(tokens, text)
		path := filepath.Join(mounted, file)
		put(t, path, []byte(text+"\n"))
		return path
	}
	start := func(pod, file, node string) *client {
		return s.launch(coastwise.Client{
			ID: pod, Namespace: shop, Node: node, Locality: "ap/ap-1",
			Secure: []string{"--ca", filepath.Join(mounted, "ca.crt"), "--token-file", file, "--server-name", serverName, "--sds-dir", t.TempDir()},
		})
	}
	mine := token("web-1", "coastwise", "web-1")
	start("web-1", mine, "")
	s.tells("/proxies", `"node": "node-eu"`)
	s.tells("/proxies", `"locality": "eu/eu-1"`)
	s.tells("/proxies", `"serviceAccount": "default"`)
	start("web-1", token("web-2", "coastwise", "web-2"), "")
	s.counts("coastwise_streams_refused_total{reason=\"other_pod\"} ")
	start("web-2", filepath.Join(mounted, "web-2"), "node-eu")
	s.counts("coastwise_streams_refused_total{reason=\"other_node\"} ")
	start("web-2", token("vault", "vault", "web-2"), "")
	start("web-2", token("bare", "coastwise", ""), "")
	s.counts("coastwise_unverified_total{reason=\"token\"} ")
	s.counts("coastwise_unverified_total{reason=\"no_pod\"} ")
	// What is bad for a new connection was good for the one before.
	put(t, mine, []byte("replaced"))
	await.Until(t, patience, func() string { // Envoy reads it when it is told of the file
		s.again(s.serveFlags...)
		s.counts("coastwise_unverified_total{reason=\"token\"} ")
		if body := s.told("/proxies"); strings.Contains(body, shop+"/web-1") {
			return fmt.Sprintf("the former token is still used: %s", body)
		}
		return ""
	})
	token("web-1", "coastwise", "web-1")
	s.tells("/proxies", `"id": "`+shop+`/web-1"`)
	log, err := os.ReadFile(filepath.Join(s.logs, "coastwise.log"))
	if err != nil {
		t.Fatal(err)
	}
	seen := string(log) + s.told("/metrics") + s.told("/proxies") + s.told("/problems")
	for _, text := range tokens {
		for part := range strings.SplitSeq(text, ".") {
			if strings.Contains(seen, part) {
				t.Error("a token is seen")
			}
		}
	}
}
