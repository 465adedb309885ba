package kubefaults_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/kube"
	"github.com/coastwise/coastwise/e2e/manifest"
	"github.com/coastwise/coastwise/e2e/traffic"
)

// A storm: in each of 10 rounds of a second each of 50 slices is written anew, with
// each of its 20 endpoints at another address: 1,000 endpoint changes a second.
const (
	stormRounds    = 10
	stormSlices    = 50
	stormEndpoints = 20
	stormLimit     = 3 * time.Second
	stormMemory    = 100 << 20 // bytes, more than before, at most
)

// 1,000 endpoints a second change for 10 s: a rule that is edited meanwhile is not
// starved, an Envoy has the last state soon after, no request fails, and memory stays
// bounded.
func TestStorm(t *testing.T) {
	c := shared.For(t)
	prepareShared(t, c)
	z := newShop(kube.New(t, c, tools), "storm")
	var services []string
	for n := range stormSlices {
		services = append(services, manifest.Service(z.namespace, stormName(n), 80, ""))
		if err := z.writeSlice(t.Context(), n, 0); err != nil {
			t.Fatal(err)
		}
	}
	c.Apply(t, manifest.Join(services...))
	client := z.client()
	cluster.Eventually(t, kube.Patience, func() error { return stormState(z, client, 0) })
	before := memory(t, z.Server.Pid())
	pushes := metric(z.Scene, "coastwise_pushes_total", "")

	began := time.Now()
	over := make(chan error, 1)
	go func() { over <- z.storm(t.Context()) }()
	worst, edits, err := z.edits(client, over)
	lasted := time.Since(began)
	if err != nil {
		t.Fatal(err)
	}
	d := took(t, time.Now(), stormLimit, func() error { return stormState(z, client, stormRounds) })
	after := peak(t, z.Server.Pid())
	changes := stormRounds * stormSlices * stormEndpoints
	t.Logf("storm: %d endpoints changed in %v, %v pushes; the last state has arrived %v after the last write; each of %d edits of a rule moved the traffic within %v; memory %d MiB before, at most %d MiB",
		changes, lasted.Round(time.Millisecond), metric(z.Scene, "coastwise_pushes_total", "")-pushes, d, edits, worst.Round(time.Millisecond), before>>20, after>>20)
	if lasted > 2*stormRounds*time.Second || edits < 5 {
		t.Errorf("%d changes took %v, with %d edits: that is no storm", changes, lasted, edits)
	}
	if worst > stormLimit {
		t.Errorf("a rule that was edited moved the traffic only after %v", worst)
	}
	if after > before+stormMemory {
		t.Errorf("memory went from %d MiB to %d MiB", before>>20, after>>20)
	}
}

func stormName(n int) string { return fmt.Sprint("storm-", n) }

// stormAddress is one endpoint of a slice in a round.
func stormAddress(slice, endpoint, round int) string {
	return fmt.Sprintf("10.%d.%d.%d", 200+round, slice, endpoint+1)
}

// writeSlice writes a slice as it is in a round, as a controller would.
func (z *shop) writeSlice(ctx context.Context, n, round int) error {
	port, name, protocol := int32(kube.Port), "http", corev1.ProtocolTCP
	s := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Name: stormName(n), Labels: map[string]string{discoveryv1.LabelServiceName: stormName(n)}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: &name, Port: &port, Protocol: &protocol}},
	}
	for i := range stormEndpoints {
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{stormAddress(n, i, round)}, NodeName: &z.nodes[i%2]})
	}
	slices := z.Cluster.Client().DiscoveryV1().EndpointSlices(z.namespace)
	if round == 0 {
		_, err := slices.Create(ctx, s, metav1.CreateOptions{})
		return err
	}
	_, err := slices.Update(ctx, s, metav1.UpdateOptions{}) // whatever its version is
	return err
}

// storm writes all rounds, evenly.
func (z *shop) storm(ctx context.Context) error {
	tick := time.NewTicker(time.Second / stormSlices)
	defer tick.Stop()
	for round := 1; round <= stormRounds; round++ {
		var writes sync.WaitGroup
		failed := make([]error, stormSlices)
		for n := range stormSlices {
			<-tick.C
			writes.Go(func() { failed[n] = z.writeSlice(ctx, n, round) })
		}
		writes.Wait()
		if err := errors.Join(failed...); err != nil {
			return err
		}
	}
	return nil
}

// stormState says in what an Envoy's endpoints differ from those of a round.
func stormState(z *shop, c *kube.Client, round int) error {
	page, err := c.Get(context.Background(), "/clusters")
	if err != nil {
		return err
	}
	has := map[string]bool{}
	for line := range strings.Lines(string(page)) {
		if name, rest, _ := strings.Cut(line, "::"); strings.Contains(name, "|storm-") {
			if address, key, _ := strings.Cut(rest, "::"); strings.HasPrefix(key, "cx_active") {
				has[name+" "+address] = true
			}
		}
	}
	for n := range stormSlices {
		for i := range stormEndpoints {
			want := fmt.Sprintf("%s %s:%d", kube.Outbound(z.namespace, stormName(n)), stormAddress(n, i, round), kube.Port)
			if !has[want] {
				return fmt.Errorf("the Envoy has not %s", want)
			}
		}
	}
	if len(has) != stormSlices*stormEndpoints {
		return fmt.Errorf("the Envoy has %d endpoints of the storm, not %d", len(has), stormSlices*stormEndpoints)
	}
	return nil
}

// edits turns the rule once a second until the storm is over, and says how long at
// most it took, after the API server's answer, until the traffic was in the other zone,
// and how often that was. The error is the storm's.
func (z *shop) edits(c *kube.Client, over <-chan error) (worst time.Duration, n int, err error) {
	z.Helper()
	g := traffic.Start(c.Flags.Proxy(), z.host, 2, stormRate)
	defer g.Stop()
	for ; ; n++ {
		phase := g.Begin(stormRate)
		edited := z.edit()
		worst = max(worst, moved(z, phase, fmt.Sprintf("%s:%d", z.pods[z.zone][0], kube.Port), edited))
		select {
		case err := <-over:
			return worst, n + 1, err
		case <-time.After(time.Second):
		}
		if tally := phase.Tally(); len(tally.Failures) > 0 {
			z.Errorf("%d of %d requests failed, the first: %s", len(tally.Failures), tally.Requests, tally.Failures[0].What)
		}
	}
}

const stormRate = 200

// edit turns the rule, and says when that was answered.
func (z *shop) edit() time.Time {
	z.Helper()
	z.turn()
	distribute := []string{"null", `[{"from": "eu/here/*", "to": {"eu/there/*": 100}}]`}[z.zone]
	patch := fmt.Appendf(nil, `{"spec": {"trafficPolicy": {"loadBalancer": {"localityLbSetting": {"distribute": %s}}}}}`, distribute)
	rules := schema.GroupVersionResource{Group: "networking.coastwise.dev", Version: "v1alpha1", Resource: "destinationrules"}
	if _, err := z.Cluster.Dynamic().Resource(rules).Namespace(z.namespace).Patch(z.Context(), "shop", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		z.Fatal(err)
	}
	return time.Now()
}

// moved is how long after a change the first request was answered by an endpoint.
func moved(z *shop, phase *traffic.Phase, endpoint string, since time.Time) time.Duration {
	z.Helper()
	var first time.Time
	cluster.Eventually(z, kube.Patience, func() error {
		tally := phase.Tally()
		if first = tally.First[endpoint]; first.IsZero() {
			return errors.New(endpoint + " has answered nothing")
		}
		return nil
	})
	return first.Sub(since)
}

// memory is what a process has in RAM now, peak what it had at most, in bytes.
func memory(t *testing.T, pid int) int { return sizeOf(t, pid, "VmRSS:") }

func peak(t *testing.T, pid int) int { return sizeOf(t, pid, "VmHWM:") }

// sizeOf reads a size of /proc/PID/status.
func sizeOf(t *testing.T, pid int, key string) int {
	t.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(content)) {
		if rest, ok := strings.CutPrefix(line, key); ok {
			kib := 0
			fmt.Sscan(rest, &kib)
			return kib << 10
		}
	}
	t.Fatalf("/proc/%d/status has no %s", pid, key)
	return 0
}
