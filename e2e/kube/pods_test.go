package kube_test

import (
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/kube"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// Of four Pods in a zone two turn unready: the zone keeps 70 % of its requests, as Envoy
// reckons (2/4 times 140 %), and has all again when they are ready.
func TestUnready(t *testing.T) {
	s := newScene(t)
	ns := s.Cluster.Namespace(t, "unready")
	n := s.Zones(ns, "eu/here", "eu/there")
	ips := s.Pods(ns, "shop", n[0], n[0], n[0], n[0], n[1], n[1])
	here, there := ips[:4], ips[4:]
	s.Cluster.Apply(t, manifest.Join(service(ns, "shop", ""), manifest.Rule(ns, "shop", "shop", ownZone)))
	client := s.Envoy(ns, n[0])
	name := kube.Outbound(ns, "shop")
	client.Holds(name, here, there)
	s.Only(client.Send("shop."+ns, 500), here...)

	stream := client.Stream("shop." + ns)
	s.Cluster.SetReady(t, ns, "shop-0", false)
	client.Holds(name, []string{"!" + here[0], here[1], here[2], here[3]}, there)
	s.Only(client.Send("shop."+ns, 500), here[1:]...) // 3/4 times 140 % is enough
	s.Cluster.SetReady(t, ns, "shop-1", false)
	client.Holds(name, []string{"!" + here[0], "!" + here[1], here[2], here[3]}, there)

	tally := client.Send("shop."+ns, 3000)
	s.Only(tally, ips[2:]...)
	kept := 0
	for _, ip := range here {
		kept += tally.ByEndpoint[endpoint(ip)]
	}
	if share := 100 * float64(kept) / float64(tally.Requests); math.Abs(share-70) > 5 {
		t.Errorf("the zone keeps %.1f %% of its requests, not 70: %v", share, tally.ByEndpoint)
	}

	s.Cluster.SetReady(t, ns, "shop-0", true)
	s.Cluster.SetReady(t, ns, "shop-1", true)
	client.Holds(name, here, there)
	s.Only(client.Send("shop."+ns, 500), here...)
	stream.End()
}

// A Deployment of 2 is scaled to 10, and the new Pods take their time: while they start
// the zone keeps all its requests, since Pods that were never ready do not count.
func TestScaleUp(t *testing.T) {
	s := newScene(t)
	ns := s.Cluster.Namespace(t, "scale")
	n := s.Zones(ns, "eu/here", "eu/there")
	var starting atomic.Bool
	s.Cluster.Kubelet(t, cluster.Kubelet{
		MayBeReady: func(*corev1.Pod) error {
			if starting.Load() {
				return errors.New("it takes its time")
			}
			return nil
		},
		Started: func(_ *corev1.Pod, ip string) {
			if err := s.Listen(ip); err != nil {
				t.Error(err)
			}
		},
		Stopped: func(p *corev1.Pod) { s.Close(p.Status.PodIP) },
	})
	s.Cluster.Apply(t, manifest.Join(service(ns, "shop", ""), manifest.Rule(ns, "shop", "shop", ownZone), manifest.Deployment(ns, 2)))
	client := s.Envoy(ns, n[0])
	name := kube.Outbound(ns, "shop")
	here, there := ready(s, ns, n[0], 1), ready(s, ns, n[1], 1)
	client.Holds(name, here, there)

	stream := client.Stream("shop." + ns)
	starting.Store(true)
	s.Cluster.Kubectl(t, "scale", "-n", ns, "deployment/shop", "--replicas=10")
	cluster.Eventually(t, kube.Patience, func() error {
		if e := endpointsOf(s, ns); len(e) != 10 {
			return fmt.Errorf("%d of 10 endpoints are in the slices: %s", len(e), told(e))
		}
		return nil
	})
	time.Sleep(500 * time.Millisecond)
	if err := client.Lacks(name, here, there); err != nil {
		t.Errorf("while the new Pods start: %v", err)
	}
	starting.Store(false)
	old := here
	here, there = ready(s, ns, n[0], 5), ready(s, ns, n[1], 5)
	client.Holds(name, here, there)
	time.Sleep(500 * time.Millisecond)
	tally := stream.Next()
	for endpoint, count := range tally.ByEndpoint {
		if !has(here, endpoint) {
			t.Errorf("%s of another zone answered %d of %d requests", endpoint, count, tally.Requests)
		}
	}
	s.Only(stream.End(), here...)
	t.Logf("%d requests while 2 Pods became 10, all in the zone, %d of them at its first Pod", tally.Requests, tally.ByEndpoint[endpoint(old[0])])
}

func has(ips []string, address string) bool {
	for _, ip := range ips {
		if endpoint(ip) == address {
			return true
		}
	}
	return false
}

// endpointsOf are those in the slices of shop.
func endpointsOf(s *kube.Scene, namespace string) []discoveryv1.Endpoint {
	s.Helper()
	list, err := s.Cluster.Client().DiscoveryV1().EndpointSlices(namespace).List(s.Context(), metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=shop"})
	if err != nil {
		s.Fatal(err)
	}
	var out []discoveryv1.Endpoint
	for _, slice := range list.Items {
		out = append(out, slice.Endpoints...)
	}
	return out
}

// told is an endpoint a line: address, node, zone, readiness.
func told(all []discoveryv1.Endpoint) string {
	out := ""
	for _, e := range all {
		zone := ""
		if e.Zone != nil {
			zone = *e.Zone
		}
		out += fmt.Sprintf("\n%s on %s in %q ready %v", e.Addresses[0], *e.NodeName, zone, *e.Conditions.Ready)
	}
	return out
}

// ready waits until shop has this many ready endpoints on a Node, and gives their
// addresses.
func ready(s *kube.Scene, namespace, node string, count int) (ips []string) {
	s.Helper()
	cluster.Eventually(s, kube.Patience, func() error {
		ips = nil
		all := endpointsOf(s, namespace)
		for _, e := range all {
			if *e.Conditions.Ready && *e.NodeName == node {
				ips = append(ips, e.Addresses[0])
			}
		}
		if len(ips) != count {
			return fmt.Errorf("%d, not %d, endpoints are ready on %s:%s", len(ips), count, node, told(all))
		}
		return nil
	})
	return ips
}
