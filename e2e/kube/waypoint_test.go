package kube_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/authority"
	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/kube"
	"github.com/coastwise/coastwise/e2e/manifest"
	"github.com/coastwise/coastwise/e2e/ztunnel"
)

const useWaypoint = "networking.coastwise.dev/use-waypoint"

// behind is a Namespace whose Services are behind waypoint way, which a real Envoy runs
// in the first of two zones: shop with a Pod in each, canary with one in the second.
// Gateway other has an Envoy in the second zone, and nobody behind it yet.
type behind struct {
	gatewayScene
	nodes       []string
	here, there string // shop's Pods
	canary      string
	ways        map[string]*kube.Client // by the virtual IP of the Gateway's Service
	ztunnel     *kube.Discovery
}

func newBehind(t *testing.T) *behind {
	s := newScene(t)
	s.Cluster.ApplyGatewayAPI(t, cluster.GatewayStandard)
	b := &behind{gatewayScene: gatewayScene{s, s.Cluster.Namespace(t, "behind")}, ways: map[string]*kube.Client{}}
	b.nodes = s.Zones(b.namespace, "eu/here", "eu/there")
	ips := s.Pods(b.namespace, "shop", b.nodes...)
	b.here, b.there = ips[0], ips[1]
	b.canary = s.Pods(b.namespace, "canary", b.nodes[1])[0]
	s.Cluster.Apply(t, manifest.Join(
		service(b.namespace, "shop", ""), service(b.namespace, "canary", ""), manifest.Rule(b.namespace, "shop", "shop", ownZone),
		b.gateway("way", "coastwise-waypoint", 15088), b.gateway("other", "coastwise-waypoint", 15088),
	))
	b.label("namespace/"+b.namespace, useWaypoint+"=way")
	b.ztunnel = s.Discovery(b.nodes[0])
	return b
}

func (b *behind) label(what string, labels ...string) {
	b.Helper()
	b.Cluster.Kubectl(b, append([]string{"label", "--overwrite", "-n", b.namespace, what}, labels...)...)
}

// run gives a Gateway its Service, an address, and an Envoy on a Node.
func (b *behind) run(name, node string) {
	b.Helper()
	b.Cluster.Apply(b, manifest.Service(b.namespace, name, 15088, "    targetPort: 15088\n"))
	b.label("service/"+name, "gateway.networking.k8s.io/gateway-name="+name)
	ip := b.ip(name)
	b.ways[ip] = b.Waypoint(b.namespace, name, node)
	b.Cluster.Kubectl(b, "wait", "-n", b.namespace, "--timeout=30s", "--for=condition=Programmed", "gateway/"+name)
	b.says("gateway/"+name, "{.status.addresses[*].value}", ip)
}

// ip is a Service's virtual IP.
func (b *behind) ip(service string) string {
	b.Helper()
	return b.Cluster.Kubectl(b, "get", "service/"+service, "-n", b.namespace, "-o", "jsonpath={.spec.clusterIP}")
}

// dial opens a connection to a VIP:PORT of shop as ztunnels do: to the waypoint that
// shop has at this moment.
func (b *behind) dial(ctx context.Context, network, vip string) (net.Conn, error) {
	ip := b.ztunnel.Waypoint(b.namespace, "shop")
	way := b.ways[ip]
	if way == nil {
		return nil, fmt.Errorf("shop's waypoint is %q", ip)
	}
	return ztunnel.Sandwich{
		Waypoint: way.Flags.Bind + ":15088", Source: netip.MustParseAddrPort("10.0.0.1:40000"),
		Identity: authority.Member(b.namespace, "client").String(),
	}.DialContext(ctx, network, vip)
}

// stream is traffic to shop by its virtual IP.
func (b *behind) stream() *kube.Stream {
	b.Helper()
	return b.Through(b.dial, b.ip("shop")+":80", "shop."+b.namespace)
}

// A rule or a route acts on every connection; of those that are open when a Service goes
// to another waypoint Envoy closes one after the other, as its drain time goes by.
const (
	soon    = 10 * time.Second
	drained = kube.Patience
)

// moved does something under load, and waits until all requests are answered by these;
// none may fail.
func (b *behind) moved(stream *kube.Stream, what string, within time.Duration, do func(), to ...string) {
	b.Helper()
	stream.Next()
	do()
	began := time.Now()
	cluster.Eventually(b, kube.Patience, func() error {
		stream.Next()
		time.Sleep(50 * time.Millisecond)
		tally := stream.Next()
		for endpoint := range tally.ByEndpoint {
			if !has(to, endpoint) {
				return fmt.Errorf("%s: %v", what, tally.ByEndpoint)
			}
		}
		if len(tally.ByEndpoint) < len(to) {
			return fmt.Errorf("%s: %v of %d requests", what, tally.ByEndpoint, tally.Requests)
		}
		return nil
	})
	d := time.Since(began)
	b.Logf("%s: traffic moved within %v of kubectl's return", what, d.Round(time.Millisecond))
	if d > within {
		b.Errorf("%s: that took %v", what, d)
	}
	time.Sleep(300 * time.Millisecond)
	stream.Next()
	time.Sleep(300 * time.Millisecond)
	b.Only(stream.Next(), to...)
}

// A waypoint of a Namespace that kubectl labelled follows rule, route and label, under
// load and without a failed request; conditions say where it is, and a ztunnel is told.
func TestWaypointByKubectl(t *testing.T) {
	b := newBehind(t)
	b.ztunnel.Until("shop without a waypoint that has an address", func() bool {
		_, there := b.ztunnel.Healthy(b.namespace, "shop-0")
		return there
	})
	time.Sleep(200 * time.Millisecond)
	if ip := b.ztunnel.Waypoint(b.namespace, "shop"); ip != "" {
		t.Errorf("a Gateway without an address is shop's waypoint at %s", ip)
	}
	b.run("way", b.nodes[0])
	b.run("other", b.nodes[1])
	b.ztunnel.Until("shop's waypoint", func() bool { return b.ztunnel.Waypoint(b.namespace, "shop") == b.ip("way") })
	if out, err := b.coastwise("wait", "gateway/way", "-n", b.namespace); err != nil {
		t.Errorf("coastwise wait: %v: %s", err, out)
	}

	stream := b.stream()
	b.moved(stream, "the waypoint's own zone", soon, func() {}, b.here)
	rule := func(policy string) func() {
		return func() { b.Cluster.Apply(t, manifest.Rule(b.namespace, "shop", "shop", policy)) }
	}
	b.moved(stream, "a rule", soon, rule(allTo("eu/here/*", "eu/there/*")), b.there)
	b.moved(stream, "the rule back", soon, rule(ownZone), b.here)
	route := func(backend string) func() {
		return func() { b.Cluster.Apply(t, routeOf(b.namespace, "{backendRefs: [{name: "+backend+", port: 80}]}")) }
	}
	b.moved(stream, "a route", soon, route("canary"), b.canary)
	if out, err := b.coastwise("wait", "httproute/shop", "-n", b.namespace); err != nil {
		t.Errorf("coastwise wait: %v: %s", err, out)
	}
	for _, want := range []string{"Accepted True Accepted", "ResolvedRefs True ResolvedRefs", "networking.coastwise.dev/Programmed True Programmed: 1 of 1 proxies"} {
		b.says("httproute/shop", "{range .status.parents[0].conditions[*]}{.type} {.status} {.reason}: {.message}\n{end}", want)
	}
	b.moved(stream, "the route edited", soon, route("shop"), b.here)
	b.moved(stream, "the label to another Gateway", drained, func() { b.label("namespace/"+b.namespace, useWaypoint+"=other") }, b.there)
	b.moved(stream, "the label on the Service", drained, func() { b.label("service/shop", useWaypoint+"=way") }, b.here)
	stream.End()
}

// coastwise runs the program against the cluster.
func (b *behind) coastwise(args ...string) (string, error) {
	return runCoastwise(b.Context(), append(args, "--kubeconfig", b.Cluster.Kubeconfig())...)
}

// What a user gets wrong is said where it is wrong, costs its own share, and hurts nobody
// else.
func TestWaypointMistakes(t *testing.T) {
	b := newBehind(t)
	b.run("way", b.nodes[0])
	b.ztunnel.Until("shop's waypoint", func() bool { return b.ztunnel.Waypoint(b.namespace, "shop") == b.ip("way") })
	stream := b.stream()
	b.moved(stream, "before the mistakes", soon, func() {}, b.here)

	b.Cluster.Apply(t, manifest.Join(b.gateway("astray", "coastwise-waypoint", 8080), class("foreign", other, ""), b.gateway("foreign", "foreign", 15088)))
	b.says("gateway/astray", "{range .status.listeners[0].conditions[*]}{.type} {.status} {.reason}: {.message}\n{end}",
		"Accepted False PortUnavailable: spec.listeners[0].port: port 8080: that of protocol PROXY is 15088")
	b.says("gateway/astray", `{.status.conditions[?(@.type=="Accepted")].status} {.status.conditions[?(@.type=="Accepted")].reason}`, "False ListenersNotValid")
	for label, reason := range map[string]string{"nowhere": "TargetNotFound", "astray": "Invalid", "foreign": "Invalid"} {
		b.label("service/canary", useWaypoint+"="+label)
		b.told("Service", "canary", reason, label)
		if ip := b.ztunnel.Waypoint(b.namespace, "canary"); ip != "" {
			t.Errorf("with the label %s the waypoint is %s", label, ip)
		}
	}
	b.Only(stream.Next(), b.here)

	b.Cluster.Apply(t, routeOf(b.namespace, "{backendRefs: [{name: shop, port: 80, weight: 3}, {name: nowhere, port: 80, weight: 1}]}"))
	b.says("httproute/shop", `{range .status.parents[0].conditions[?(@.type=="ResolvedRefs")]}{.status} {.reason}{end}`, "False BackendNotFound")
	cluster.Eventually(t, kube.Patience, func() error {
		stream.Skip()
		time.Sleep(2 * time.Second)
		tally := stream.Skip()
		if share := 100 * float64(len(tally.Failures)) / float64(tally.Requests); share < 17 || share > 33 {
			return fmt.Errorf("%.0f %% of %d requests fail, not 25", share, tally.Requests)
		}
		for _, f := range tally.Failures {
			if !strings.Contains(f.What, "500") {
				return fmt.Errorf("a missing backend: %s", f.What)
			}
		}
		return nil
	})
	b.Cluster.Delete(t, routeOf(b.namespace, "{}"))
	cluster.Eventually(t, kube.Patience, func() error {
		stream.Skip()
		time.Sleep(200 * time.Millisecond)
		if tally := stream.Skip(); len(tally.Failures) > 0 {
			return fmt.Errorf("%d of %d requests fail without the route", len(tally.Failures), tally.Requests)
		}
		return nil
	})
	b.Only(stream.End(), b.here)
	if stands := b.Cluster.Kubectl(t, "get", "gateway/foreign", "-n", b.namespace, "-o", "jsonpath={.status.conditions[*].message}{.metadata.managedFields[*].manager}"); strings.Contains(stands, "coastwise") {
		t.Errorf("another controller's Gateway: %s", stands)
	}
}

// told waits until the label of an object is told of, as a Problem and by an Event.
func (b *behind) told(kind, name, reason, label string) {
	b.Helper()
	field := "metadata.labels[" + useWaypoint + "]"
	b.Told(b.namespace, reason+" at "+field, func(p kube.Problem) bool {
		return p.Object == kind+" "+b.namespace+"/"+name && p.Field == field && p.Reason == reason && strings.Contains(p.Message, label)
	})
	b.says("events", "{range .items[*]}{.involvedObject.kind}/{.involvedObject.name} {.type} {.reason}: {.message}\n{end}", kind+"/"+name+" Warning "+reason)
}

// A Pod's readiness reaches a ztunnel, which has no failure detection of its own, soon
// after the API server has it.
func TestZtunnelHears(t *testing.T) {
	s := newScene(t)
	ns := s.Cluster.Namespace(t, "hears")
	n := s.Zones(ns, "eu/here", "eu/there")
	s.Pods(ns, "shop", n...)
	s.Cluster.Apply(t, service(ns, "shop", ""))
	z := s.Discovery(n[0])
	is := func(ready bool) func() bool {
		return func() bool {
			healthy, there := z.Healthy(ns, "shop-1")
			return there && healthy == ready
		}
	}
	z.Until("a healthy Pod", is(true))
	var waits []time.Duration
	for i := range 7 {
		ready := i%2 == 1
		time.Sleep(300 * time.Millisecond) // a quiet cluster
		s.Cluster.SetReady(t, ns, "shop-1", ready)
		written := time.Now()
		d := z.Until(fmt.Sprintf("ready %v", ready), is(ready)).Sub(written)
		t.Logf("ready %v: the ztunnel has it %v after the API server's answer", ready, d)
		waits = append(waits, d)
	}
	slices.Sort(waits) // a machine that stands still makes one of them slow, not half
	if median := waits[len(waits)/2]; median > time.Second {
		t.Errorf("a ztunnel has a Pod's readiness only after %v: %v", median, waits)
	}
	s.Cluster.Remove(t, ns, "shop-1")
	z.Until("the Pod is gone", func() bool {
		_, there := z.Healthy(ns, "shop-1")
		return !there
	})
}
