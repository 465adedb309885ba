package kube_test

import (
	"strings"
	"testing"

	"github.com/coastwise/coastwise/e2e/kube"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// A Node loses its zone label: its own client, now of a region alone, has the region as
// one pool; others keep what they had; with the label all is as before. No request
// fails, and each Envoy is sent a few answers, not a storm.
func TestNodeLosesZone(t *testing.T) {
	s := newScene(t)
	ns := s.Cluster.Namespace(t, "unzoned")
	n := s.Zones(ns, "eu/here", "eu/there")
	second := ns + "-second"
	s.Cluster.Node(t, second, "eu", "here", "4")
	ips := s.Pods(ns, "shop", n[0], second, n[1])
	s.Cluster.Apply(t, manifest.Join(service(ns, "shop", ""), manifest.Rule(ns, "shop", "shop", ownZone)))
	own, other := s.Envoy(ns, n[0]), s.Envoy(ns, second)
	name := kube.Outbound(ns, "shop")
	clients := []*kube.Client{own, other}
	var streams []*kube.Stream
	var before []int
	for _, c := range clients {
		c.Holds(name, ips[:2], ips[2:])
		streams = append(streams, c.Stream("shop."+ns))
		before = append(before, c.Updates(ns+"/shop"))
	}

	s.Cluster.Kubectl(t, "label", "node", n[0], "topology.kubernetes.io/zone-")
	own.Holds(name, ips)
	// What the other one has is the controller's: the slice keeps the zone until it is
	// written anew.
	other.Holds(name, ips[:2], ips[2:])
	streams[1].Next()

	extra := s.Pods(ns, "shop-late", second)
	s.Cluster.Kubectl(t, "label", "pod", "shop-late-0", "-n", ns, "app=shop", "--overwrite")
	other.Holds(name, []string{ips[1], extra[0]}, []string{ips[0], ips[2]})
	own.Holds(name, append(extra, ips...))

	s.Cluster.Kubectl(t, "label", "node", n[0], "topology.kubernetes.io/zone=here")
	own.Holds(name, append(extra, ips[:2]...), ips[2:])
	for i, c := range clients {
		streams[i].End()
		if updates := c.Updates(ns+"/shop") - before[i]; updates > 12 {
			t.Errorf("%s took %d answers", c.Flags.ID, updates)
		} else {
			t.Logf("%s on %s took %d answers", c.Flags.ID, c.Flags.Node, updates)
		}
	}
}

// A Service is deleted and made again under the same name for other Pods: nothing of
// the first is left. Then its namespace is deleted, and the Envoy has nothing of it,
// while another namespace's requests go on.
func TestDeleted(t *testing.T) {
	s := newScene(t)
	ns, neighbour := s.Cluster.Namespace(t, "deleted"), s.Cluster.Namespace(t, "neighbour")
	n := s.Zones(ns, "eu/here", "eu/there")
	first := s.Pods(ns, "first", n[0], n[1])
	second := s.Pods(ns, "second", n[1], n[0])
	beside := s.Pods(neighbour, "shop", n[0])
	s.Cluster.Apply(t, manifest.Join(
		shop(ns, "first"), manifest.Rule(ns, "shop", "shop", ownZone), service(neighbour, "shop", "")))
	client := s.Envoy(ns, n[0])
	name := kube.Outbound(ns, "shop")
	client.Holds(name, first[:1], first[1:])
	client.Holds(kube.Outbound(neighbour, "shop"), beside)
	calm := client.Stream("shop." + neighbour)
	s.Only(client.Send("shop."+ns, 200), first[0])

	stream := client.Stream("shop." + ns)
	s.Cluster.Kubectl(t, "delete", "service", "shop", "-n", ns)
	s.Cluster.Apply(t, shop(ns, "second"))
	client.Holds(name, second[1:], second[:1])
	stream.Skip() // between the two there was no Service
	for _, ip := range first {
		s.Close(ip) // who still asks there fails
	}
	s.Only(stream.End(), second[1])

	s.Cluster.Kubectl(t, "delete", "namespace", ns)
	client.HasNot(name)
	problems, err := s.Admin("/problems")
	if err != nil || strings.Contains(problems, ns+"/") {
		t.Errorf("Problems of a namespace that is gone (%v): %s", err, problems)
	}
	s.Only(calm.End(), beside...)
}

// shop is the Service shop for Pods that are labelled app: APP.
func shop(namespace, app string) string {
	return manifest.Service(namespace, "shop", 80, "    targetPort: 8080\n  selector: {app: "+app+"}\n")
}
