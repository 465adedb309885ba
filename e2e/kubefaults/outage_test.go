package kubefaults_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/coastwise/coastwise/e2e/ads"
	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/kube"
	"github.com/coastwise/coastwise/e2e/kubefaults"
)

// late is within how long of the API server's return what changed meanwhile arrives.
const late = 5 * time.Second

// The API server is not there at the start and comes in time. Then it is away for 60 s
// (nobody listens), for 25 s (nothing comes through), and is killed, and each time a
// rule, a Service and a Pod change meanwhile: Envoys keep what they have, one that is
// new is served, no request fails, and the changes arrive soon after the return. All
// of that needs no more than the role of deploy/rbac.yaml.
func TestOutages(t *testing.T) {
	t.Parallel()
	c := own(t)
	way := kubefaults.NewWay(t, c.URL())
	account := c.KubeconfigFor(t, "coastwise-system", "coastwise")
	s := kube.Start(t, c, tools, kube.Options{Kubeconfig: way.Kubeconfig(t, account), Early: true})
	z := newShop(s, "outages")
	c.Apply(t, z.service("late-0"))
	comesLate(z, way)

	o := &outages{shop: z, way: way, clients: []*kube.Client{z.client()}, observer: z.observe(false, z.cluster())}
	o.stream = o.clients[0].Stream(z.host)
	o.away("refused", 60*time.Second, 0, way.Cut)
	o.away("silent", 25*time.Second, 10*time.Second, way.Hush)
	requests := c.AuditOf(t, "coastwise-system", "coastwise")
	for _, r := range requests {
		if r.Code == http.StatusForbidden {
			t.Errorf("forbidden: %s %s", r.Verb, r.URI)
		}
	}
	t.Logf("%d requests to the API server until now, each of them allowed", len(requests))
	o.killed()
	o.stream.End()
}

// comesLate checks that coastwise waits for the API server, and is ready soon after it
// is there.
func comesLate(z *shop, way *kubefaults.Way) {
	z.Helper()
	client := z.unheard(false)
	client.Subscribe(ads.Cluster, ads.Wildcard)
	cluster.Eventually(z, kube.Patience, func() error {
		if err := client.Err(); status.Code(err) != codes.Unavailable {
			return fmt.Errorf("a stream ended with %v, not Unavailable", err)
		}
		return nil
	})
	for began := time.Now(); time.Since(began) < 5*time.Second; time.Sleep(100 * time.Millisecond) {
		if code := readyz(z.Scene); code != http.StatusServiceUnavailable {
			z.Fatalf("/readyz says %d while no API server is there", code)
		}
	}
	if !z.Server.Running() || len(client.Heard()) > 0 {
		z.Fatalf("running: %v; heard: %v", z.Server.Running(), client.Heard())
	}
	way.Open(z)
	d := took(z, time.Now(), late, func() error {
		if code := readyz(z.Scene); code != http.StatusOK {
			return fmt.Errorf("/readyz says %d", code)
		}
		return nil
	})
	z.Logf("ready %v after the API server is there", d)
}

// readyz is the code of /readyz; 0 if there is no answer.
func readyz(s *kube.Scene) int {
	resp, err := http.Get("http://" + s.Server.Admin + "/readyz")
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}
