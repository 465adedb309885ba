package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/dump"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// TestTranslateIsWhatEnvoyHolds compares the protos that translate prints with
// those that an Envoy with the same client flags has accepted.
func TestTranslateIsWhatEnvoyHolds(t *testing.T) {
	s := newScene(t, map[string]string{"nodes.yaml": nodes()})
	s.write("near.yaml", s.predictCase("near", [3]layoutOf{{1, 1}, {2, 0}, {1, 0}}, "", "{enabled: true, failoverThreshold: 70}", false))
	s.write("flat.yaml", s.predictCase("flat", [3]layoutOf{{2, 0}, {1, 1}}, "", "", false))
	s.write("hinted.yaml", s.predictCase("hinted", [3]layoutOf{{1, 0}, {1, 0}}, "  trafficDistribution: PreferSameZone\n", "", true))
	s.write("fence.yaml", s.predictCase("fenced", [3]layoutOf{{1, 0}, {1, 0}, {1, 0}}, "", "{allowedRegions: [us]}", false))
	s.write("empty.yaml", manifest.Service("default", "empty", 8081, ""))
	s.write("shop.yaml", manifest.Join(
		manifest.Service("shop", "flat", 80, ""),
		manifest.Slice("shop", "flat", "flat-1", s.ports.Backend, []manifest.Endpoint{{Address: s.endpoint(0, 0)}}),
		manifest.Rule("shop", "near", "near.default.svc.cluster.local", "{loadBalancer: {simple: RANDOM}}")))
	s.write("edge.yaml", manifest.Join(
		edgeGateway("edge", fmt.Sprintf("{name: web, port: %d, protocol: HTTP}", s.ports.XDS), "{name: more, port: 8443, protocol: HTTP}"),
		edgeRoute("near", "edge", "['*.near.example']", "[{backendRefs: [{name: near, port: 80, weight: 3}, {name: flat, port: 80, weight: 1}]}]")))
	s.write("two.yaml", s.twoPortService("two", []string{vip4}, 1, 1))
	const proxy = "http-proxy"
	for _, c := range []struct {
		flags     coastwise.Client
		listeners string
		routes    int // at least
	}{
		{coastwise.Client{Kind: "sidecar", Locality: "eu/eu-1"}, proxy, 1},
		{coastwise.Client{Kind: "sidecar", Namespace: "shop", Locality: "us/us-1"}, proxy, 1},
		{coastwise.Client{Kind: "sidecar", Locality: "eu/eu-2", Scope: "shop/*,default/near"}, proxy, 1},
		{coastwise.Client{Kind: "sidecar"}, proxy, 1},
		{coastwise.Client{Kind: "sidecar", Locality: "eu/eu-1", Connect: true}, "http-proxy outbound", 2},
		{coastwise.Client{Kind: "sidecar", Locality: "eu/eu-1", Capture: true}, "capture http-proxy inbound outbound", 2},
		{coastwise.Client{Kind: "gateway", Node: "node-eu-2"}, proxy, 1},
		{coastwise.Client{Kind: "gateway", Gateway: "default/edge", Node: "node-eu-2"}, fmt.Sprintf("gateway|%d gateway|8443 http-proxy", s.ports.XDS), 2},
	} {
		t.Run(fmt.Sprintf("%s %s%s%s%s", c.flags.Kind, c.flags.Namespace, c.flags.Locality, c.flags.Node, c.flags.Gateway), func(t *testing.T) {
			client := s.envoy(c.flags)
			held := client.holdsWhatTranslatePrints()
			if got := strings.Join(held.Names("listeners"), " "); got != c.listeners {
				t.Errorf("listeners %s, not %s", got, c.listeners)
			}
			if len(held["clusters"]) < 2 || len(held["endpoints"]) < 2 || len(held["routes"]) < c.routes {
				t.Errorf("%v: too little", held.Names("routes"))
			}
		})
	}
}

// holdsWhatTranslatePrints waits until a client's Envoy holds what translate prints, which it returns.
func (c *client) holdsWhatTranslatePrints() dump.Resources {
	c.scene.t.Helper()
	text, err := built.coastwise.TranslateEnvoy(c.scene.t.Context(), string(c.scene.folder), c.flags)
	if err != nil {
		c.scene.t.Fatal(err)
	}
	want, err := dump.Printed(text)
	if err != nil {
		c.scene.t.Fatal(err)
	}
	await.Until(c.scene.t, patience, func() string {
		return dump.Different(want, c.held(c.scene.t))
	})
	return want
}

// held is what an Envoy holds.
func (c *client) held(t *testing.T) dump.Resources {
	t.Helper()
	body, err := c.Get(t.Context(), dump.Path)
	if err != nil {
		t.Fatal(err)
	}
	out, err := dump.Held(body)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
