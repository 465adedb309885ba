package envoy

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/coastwise/coastwise/translate/model"
)

func goodProxy() model.Proxy {
	return model.Proxy{
		ID: "shop/web-1", Namespace: "shop", Kind: model.Sidecar, Node: "node-1",
		Locality: model.Locality{Region: "eu", Zone: "eu-1"}, Labels: map[string]string{"app": "web"},
		Network: "n1", Scope: "shop/*", Bind: "127.0.0.1", HTTPProxyPort: 15080,
	}
}

func goodOptions() BootstrapOptions {
	return BootstrapOptions{XDS: "127.0.0.1:15010", AdminPort: 15000}
}

// readBootstrap reads the YAML back, strictly.
func readBootstrap(t fataler, p model.Proxy, o BootstrapOptions) *bootstrapv3.Bootstrap {
	t.Helper()
	text := must[[]byte](t)(Bootstrap(p, o))
	b := new(bootstrapv3.Bootstrap)
	if err := protojson.Unmarshal(must[[]byte](t)(yaml.YAMLToJSON(text)), b); err != nil {
		t.Fatal(err)
	}
	if err := b.ValidateAll(); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBootstrap(t *testing.T) {
	b := readBootstrap(t, goodProxy(), goodOptions())
	ads := b.GetDynamicResources().GetAdsConfig()
	if ads.GetApiType() != corev3.ApiConfigSource_DELTA_GRPC || !ads.GetSetNodeOnFirstMessageOnly() ||
		ads.GetTransportApiVersion() != corev3.ApiVersion_V3 {
		t.Errorf("ads_config: %v", ads)
	}
	server := b.GetStaticResources().GetClusters()[0]
	if got := ads.GetGrpcServices()[0].GetEnvoyGrpc().GetClusterName(); got != server.Name {
		t.Errorf("ADS goes to %q, the cluster is %q", got, server.Name)
	}
	for _, source := range []*corev3.ConfigSource{b.DynamicResources.CdsConfig, b.DynamicResources.LdsConfig} {
		if source.GetAds() == nil || source.GetResourceApiVersion() != corev3.ApiVersion_V3 {
			t.Errorf("source %v", source)
		}
	}
	if at := b.GetAdmin().GetAddress().GetSocketAddress(); at.GetAddress() != "127.0.0.1" || at.GetPortValue() != 15000 {
		t.Errorf("admin at %v", at)
	}
	want := &corev3.Locality{Region: "eu", Zone: "eu-1"}
	if diff := cmp.Diff(want, b.GetNode().GetLocality(), protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	if b.Node.Id != "shop/web-1" || b.Node.Cluster == "" {
		t.Errorf("node %q of cluster %q", b.Node.Id, b.Node.Cluster)
	}
}

func TestBootstrapServerAddress(t *testing.T) {
	for xds, want := range map[string]struct {
		kind clusterv3.Cluster_DiscoveryType
		host string
	}{
		"10.0.0.1:1":            {clusterv3.Cluster_STATIC, "10.0.0.1"},
		"[fd00::1]:1":           {clusterv3.Cluster_STATIC, "fd00::1"},
		"localhost:1":           {clusterv3.Cluster_STRICT_DNS, "localhost"},
		"coastwise.mesh.svc:1":  {clusterv3.Cluster_STRICT_DNS, "coastwise.mesh.svc"},
		"coast-wise.example:01": {clusterv3.Cluster_STRICT_DNS, "coast-wise.example"},
	} {
		o := goodOptions()
		o.XDS = xds
		c := readBootstrap(t, goodProxy(), o).GetStaticResources().GetClusters()[0]
		at := c.LoadAssignment.Endpoints[0].LbEndpoints[0].GetEndpoint().GetAddress().GetSocketAddress()
		if c.GetType() != want.kind || at.GetAddress() != want.host || at.GetPortValue() != 1 {
			t.Errorf("%s: %s at %v", xds, c.GetType(), at)
		}
	}
}

// The tags take the zones out of Envoy's stat names.
func TestBootstrapZoneTags(t *testing.T) {
	const stat = "cluster.default/reviews/80.zone.eu-1.us-2.upstream_rq_200"
	want := map[string]string{"from_zone": "eu-1", "to_zone": "us-2"}
	b := readBootstrap(t, goodProxy(), goodOptions())
	if !b.GetDeferredStatOptions().GetEnableDeferredCreationStats() {
		t.Error("clusters without traffic have its statistics")
	}
	tags := b.GetStatsConfig().GetStatsTags()
	if len(tags) != len(want) {
		t.Fatalf("%v", tags)
	}
	for _, tag := range tags {
		if !strings.HasPrefix(tag.GetRegex(), `^cluster\.`) {
			t.Errorf("%s is tried on every statistic", tag.TagName)
		}
		got := regexp.MustCompile(tag.GetRegex()).FindStringSubmatch(stat)
		if len(got) != 3 || got[2] != want[tag.TagName] {
			t.Errorf("%s: %q", tag.TagName, got)
		}
	}
}

func TestBootstrapRefuses(t *testing.T) {
	for _, tt := range []struct {
		want  string
		spoil func(*model.Proxy, *BootstrapOptions)
	}{
		{`--id: "" is not NAMESPACE/ID`, func(p *model.Proxy, _ *BootstrapOptions) { p.ID = "" }},
		{`--id: "web-1" is not in the namespace "shop"`, func(p *model.Proxy, _ *BootstrapOptions) { p.ID = "web-1" }},
		{`--id: "other/x" is not in the namespace "shop"`, func(p *model.Proxy, _ *BootstrapOptions) { p.ID = "other/x" }},
		{"--gateway: missing: NAMESPACE/NAME of the Gateway that the waypoint runs", func(p *model.Proxy, _ *BootstrapOptions) { p.Kind, p.HTTPProxyPort = model.Waypoint, 0 }},
		{"--bind: means nothing to kind grpc", func(p *model.Proxy, _ *BootstrapOptions) { p.Kind, p.HTTPProxyPort = model.GRPC, 0 }},
		{"--http-proxy-port: means nothing to kind grpc", func(p *model.Proxy, _ *BootstrapOptions) { p.Kind, p.Bind = model.GRPC, "" }},
		{"--kind: grpc starts with a bootstrap of its own", func(p *model.Proxy, _ *BootstrapOptions) {
			p.Kind, p.Bind, p.HTTPProxyPort = model.GRPC, "", 0
		}},
		{`--kind: kind "ingress" does not exist`, func(p *model.Proxy, _ *BootstrapOptions) { p.Kind = "ingress" }},
		{"--kind: kind is missing", func(p *model.Proxy, _ *BootstrapOptions) { p.Kind = "" }},
		{"--node: ", func(p *model.Proxy, _ *BootstrapOptions) { p.Node = "a b" }},
		{`--locality: "eu/1" is not`, func(p *model.Proxy, _ *BootstrapOptions) { p.Locality.Zone = "eu/1" }},
		{"--network: ", func(p *model.Proxy, _ *BootstrapOptions) { p.Network = "~" }},
		{`--labels: "a=b,c=d" is not`, func(p *model.Proxy, _ *BootstrapOptions) { p.Labels = map[string]string{"a": "b,c=d"} }},
		{`--labels: "/a=" is not`, func(p *model.Proxy, _ *BootstrapOptions) { p.Labels = map[string]string{"/a": ""} }},
		{`--scope: "shop" is not NAMESPACE/*`, func(p *model.Proxy, _ *BootstrapOptions) { p.Scope = "shop" }},
		{`--bind: "localhost" is not an IP`, func(p *model.Proxy, _ *BootstrapOptions) { p.Bind = "localhost" }},
		{`--bind: missing`, func(p *model.Proxy, _ *BootstrapOptions) { p.Bind, p.HTTPProxyPort = "", 0 }},
		{"--http-proxy-port: 65536 is not in 0..65535", func(p *model.Proxy, _ *BootstrapOptions) { p.HTTPProxyPort = 65536 }},
		{"--gateway: is for kinds waypoint and gateway, and not for sidecar", func(p *model.Proxy, _ *BootstrapOptions) { p.Gateway = "a/b" }},
		{"--capture: is for kind sidecar, and not for gateway", func(p *model.Proxy, _ *BootstrapOptions) { p.Kind, p.Capture = model.Gateway, true }},
		{"--admin-port: 0 is not in", func(_ *model.Proxy, o *BootstrapOptions) { o.AdminPort = 0 }},
		{"--admin-port: 65536 is not in", func(_ *model.Proxy, o *BootstrapOptions) { o.AdminPort = 65536 }},
		{"--admin-port: 15080 is the HTTP proxy port too", func(_ *model.Proxy, o *BootstrapOptions) { o.AdminPort = 15080 }},
		{"--admin-port: 15006 is a port of --capture, which are 15001 and 15006", func(p *model.Proxy, o *BootstrapOptions) { p.Capture, o.AdminPort = true, 15006 }},
		{"--http-proxy-port: 15001 is a port of --capture", func(p *model.Proxy, _ *BootstrapOptions) { p.Capture, p.HTTPProxyPort = true, 15001 }},
		{"--admin-port: 15008 is the port of a waypoint's Gateway, which are 15088 and 15008", func(p *model.Proxy, o *BootstrapOptions) {
			p.Kind, p.Gateway, p.HTTPProxyPort, o.AdminPort = model.Waypoint, "shop/wp", 0, 15008
		}},
		{`--admin-bind: "localhost" is not an IP`, func(_ *model.Proxy, o *BootstrapOptions) { o.AdminBind = "localhost" }},
		{`--xds: "" is not HOST:PORT`, func(_ *model.Proxy, o *BootstrapOptions) { o.XDS = "" }},
		{"--xds: ", func(_ *model.Proxy, o *BootstrapOptions) { o.XDS = "host" }},
		{"--xds: ", func(_ *model.Proxy, o *BootstrapOptions) { o.XDS = "host:0" }},
		{"--xds: ", func(_ *model.Proxy, o *BootstrapOptions) { o.XDS = ":15010" }},
		{"--xds: ", func(_ *model.Proxy, o *BootstrapOptions) { o.XDS = "10.0.0.1:65536" }},
		{"--xds: ", func(_ *model.Proxy, o *BootstrapOptions) { o.XDS = "fd00::1:15010" }},
	} {
		p, o := goodProxy(), goodOptions()
		tt.spoil(&p, &o)
		if _, err := Bootstrap(p, o); err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), ";") {
			t.Errorf("%v, want %q alone", err, tt.want)
		}
	}
}

// Several mistakes are told at once.
func TestBootstrapCollects(t *testing.T) {
	p, o := goodProxy(), goodOptions()
	p.Kind, p.Scope, o.XDS = "x", "y", ""
	_, err := Bootstrap(p, o)
	for _, want := range []string{"--kind: ", "; --scope: ", "; --xds: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestBootstrapIsDeterministic(t *testing.T) {
	p := goodProxy()
	p.Labels = map[string]string{"a": "1", "b": "2", "c": "3", "d/e": ""}
	first := must[[]byte](t)(Bootstrap(p, goodOptions()))
	for range 10 {
		if !bytes.Equal(first, must[[]byte](t)(Bootstrap(p, goodOptions()))) {
			t.Fatal("bytes differ")
		}
	}
}

// What Bootstrap writes into the node is what ProxyFromNode reads.
func TestBootstrapRoundTrip(t *testing.T) {
	word := rapid.StringMatching(`[a-z0-9]([-a-z0-9]{0,6}[a-z0-9])?`)
	maybe := rapid.OneOf(rapid.Just(""), word)
	item := rapid.Custom(func(t *rapid.T) string {
		return word.Draw(t, "namespace") + "/" + rapid.OneOf(rapid.Just("*"), word).Draw(t, "name")
	})
	rapid.Check(t, func(t *rapid.T) {
		namespace := word.Draw(t, "namespace")
		p := model.Proxy{
			ID: namespace + "/" + word.Draw(t, "id"), Namespace: namespace,
			Kind: rapid.SampledFrom([]model.Kind{model.Sidecar, model.Gateway, model.Waypoint}).Draw(t, "kind"),
			Node: maybe.Draw(t, "node"), Network: maybe.Draw(t, "network"),
			Locality: model.Locality{Region: maybe.Draw(t, "region"), Zone: maybe.Draw(t, "zone"), SubZone: maybe.Draw(t, "sub-zone")},
			Bind:     rapid.SampledFrom([]string{"127.0.0.1", "::1", "0.0.0.0"}).Draw(t, "bind"), HTTPProxyPort: rapid.Uint32Range(0, 14999).Draw(t, "port"),
		}
		if labels := rapid.MapOfN(word, maybe, 0, 3).Draw(t, "labels"); len(labels) > 0 {
			p.Labels = labels
		}
		switch p.Kind {
		case model.Sidecar:
			p.Capture = rapid.Bool().Draw(t, "capture")
		case model.Waypoint:
			p.HTTPProxyPort, p.Gateway = 0, namespace+"/"+word.Draw(t, "gateway")
		}
		scope := strings.Join(rapid.SliceOfN(item, 0, 3).Draw(t, "scope"), ", ")
		p.Scope = scope
		node := readBootstrap(t, p, goodOptions()).Node
		got, err := ProxyFromNode(node)
		if err != nil {
			t.Fatal(err)
		}
		p.Scope, _ = model.ParseScope(scope)
		p.Internal = true
		if diff := cmp.Diff(p, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// A list of some dozen words is more than the 100 steps of RE2 that Envoy takes unasked;
// /runtime_modify goes on working.
func TestBootstrapLetsPatternsBeLarge(t *testing.T) {
	b := readBootstrap(t, goodProxy(), goodOptions())
	layers := b.GetLayeredRuntime().GetLayers()
	if len(layers) != 2 || layers[1].GetAdminLayer() == nil ||
		layers[0].GetStaticLayer().GetFields()["re2.max_program_size.error_level"].GetNumberValue() < 100_000 {
		t.Errorf("%v", layers)
	}
}

// TestBootstrapAdmin is not open to the network because the proxy's listeners are: who
// reaches it may stop the proxy.
func TestBootstrapAdmin(t *testing.T) {
	for _, tt := range []struct{ bind, asked, want string }{
		{"127.0.0.7", "", "127.0.0.7"},
		{"::1", "", "::1"},
		{"0.0.0.0", "", "127.0.0.1"},
		{"::", "", "127.0.0.1"},
		{"10.0.0.5", "", "127.0.0.1"},
		{"::", "0.0.0.0", "0.0.0.0"},
		{"127.0.0.7", "10.0.0.5", "10.0.0.5"},
	} {
		p, o := goodProxy(), goodOptions()
		p.Bind, o.AdminBind = tt.bind, tt.asked
		if got := readBootstrap(t, p, o).GetAdmin().GetAddress().GetSocketAddress().GetAddress(); got != tt.want {
			t.Errorf("--bind %s --admin-bind %q: %s, want %s", tt.bind, tt.asked, got, tt.want)
		}
	}
}
