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

// The API server is away for 60 s, and a rule, a Service and a Pod change meanwhile:
// Envoys keep what they have, one that is new is served, no request fails, and the
// changes arrive soon after the return.
func TestLongOutage(t *testing.T) {
	t.Parallel()
	z, way := newOutage(t)
	way.Open(t)
	o := z.under(way)
	o.away("refused", 60*time.Second, 0, way.Cut)
	o.allowed()
	o.stream.End()
}

// The API server is not there at the start and comes in time. Then nothing comes
// through for 25 s, and then it is killed: the same holds as in a long outage.
func TestOutages(t *testing.T) {
	t.Parallel()
	z, way := newOutage(t)
	comesLate(z, way)
	o := z.under(way)
	o.away("silent", 25*time.Second, 10*time.Second, way.Hush)
	o.allowed()
	o.killed()
	o.stream.End()
}

// newOutage is a shop whose coastwise has just been started, under exactly the role of
// deploy/rbac.yaml, and the way to its API server, which is not open yet.
func newOutage(t *testing.T) (*shop, *kubefaults.Way) {
	t.Helper()
	c := own(t)
	way := kubefaults.NewWay(t, c.URL())
	account := c.KubeconfigFor(t, "coastwise-system", "coastwise")
	z := newShop(kube.Start(t, c, tools, kube.Options{Kubeconfig: way.Kubeconfig(t, account), Early: true}), "outages")
	c.Apply(t, z.service("late-0"))
	return z, way
}

// comesLate checks that coastwise waits for the API server, and is ready soon after it
// is there.
func comesLate(z *shop, way *kubefaults.Way) {
	z.Helper()
	client := z.unheard(false)
	client.Subscribe(ads.Cluster, ads.Wildcard)
	cluster.Eventually(z, kube.Patience, func() error {
		if err := client.Err(); status.Code(err) != codes.Unavailable {
			return fmt.Errorf("a stream ended, not with Unavailable: %w", err)
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
