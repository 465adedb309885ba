package envoy

import (
	"bytes"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	metricsv3 "github.com/envoyproxy/go-control-plane/envoy/config/metrics/v3"
	overloadv3 "github.com/envoyproxy/go-control-plane/envoy/config/overload/v3"
	internallistenerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/bootstrap/internal_listener/v3"
	connectionsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/resource_monitors/downstream_connections/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"sigs.k8s.io/yaml"

	"github.com/coastwise/coastwise/translate/model"
)

const (
	xdsCluster        = "xds_cluster"
	xdsConnectTimeout = 5 * time.Second
	pingInterval      = 30 * time.Second
	pingTimeout       = 10 * time.Second
	maxConnections    = 1 << 24
)

// BootstrapOptions is what a proxy's start needs beside its claims.
type BootstrapOptions struct {
	// XDS is our xDS port as the proxy reaches it, HOST:PORT.
	XDS string
	// AdminPort is Envoy's own admin port, 1..65535.
	AdminPort uint32
	// AdminBind is an IP where it listens; "" is the proxy's bind address if that is
	// loopback, else 127.0.0.1: who reaches it may stop the proxy and read all it has.
	AdminBind string
	// TLS is how both prove who they are; zero: plaintext.
	TLS ServerTLS
}

// Bootstrap is a ready Envoy bootstrap, YAML, for a proxy that gets everything
// else from us by delta ADS: its claims in the node, its admin port, and
// stats_tags that turn the zone pair in Envoy's stat names into labels. Equal
// input gives equal bytes.
//
// The error names every flag that is wrong, and what is allowed.
func Bootstrap(p model.Proxy, o BootstrapOptions) ([]byte, error) {
	c := checks{name: flagName}
	if canonical, err := model.ParseScope(p.Scope); err == nil {
		p.Scope = canonical
	}
	p.Internal = true
	p.Certificate = o.TLS.certificate(p.Kind)
	c.proxy(p)
	host, port := c.ports(p, o)
	if err := c.err(); err != nil {
		return nil, err
	}
	b := &bootstrapv3.Bootstrap{
		Node:                encodeNode(p),
		BootstrapExtensions: internalListeners(),
		Admin:               &bootstrapv3.Admin{Address: socketAddress(o.adminBind(p.Bind), o.AdminPort)},
		DynamicResources: &bootstrapv3.Bootstrap_DynamicResources{
			AdsConfig: deltaADS(),
			CdsConfig: ads(),
			LdsConfig: ads(),
		},
		StaticResources: &bootstrapv3.Bootstrap_StaticResources{
			Clusters: []*clusterv3.Cluster{serverCluster(host, port, o.TLS)},
		},
		StatsConfig:         &metricsv3.StatsConfig{StatsTags: zoneTags()},
		DeferredStatOptions: deferredStats(),
		OverloadManager:     connectionLimit(),
		LayeredRuntime:      regexLimit(),
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("bootstrap: %w", err)
	}
	text, err = yaml.JSONToYAML(text)
	if err != nil {
		return nil, fmt.Errorf("bootstrap: %w", err)
	}
	return bytes.Join([][]byte{[]byte("# envoy --use-dynamic-base-id -c THIS-FILE"), text}, []byte("\n")), nil
}

// adminBind is where the admin port listens, beside a proxy's other ports.
func (o BootstrapOptions) adminBind(bind string) string {
	if o.AdminBind != "" {
		return o.AdminBind
	}
	if ip, err := netip.ParseAddr(bind); err == nil && ip.IsLoopback() {
		return bind
	}
	return "127.0.0.1"
}

// internalListeners are an extension that only a bootstrap can switch on; the
// listeners themselves come from us.
func internalListeners() []*corev3.TypedExtensionConfig {
	return []*corev3.TypedExtensionConfig{{
		Name: "envoy.bootstrap.internal_listener", TypedConfig: pack(&internallistenerv3.InternalListener{}),
	}}
}

// flagName is what a claim is called on the command line.
func flagName(claim string) string {
	if claim == claimPort {
		return "--http-proxy-port"
	}
	return "--" + strings.TrimPrefix(claim, claimCertificate+".")
}

// ports checks what only a bootstrap needs and splits the server's address.
func (c *checks) ports(p model.Proxy, o BootstrapOptions) (host string, port uint32) {
	if p.Kind == model.GRPC && p.Bind == "" && p.HTTPProxyPort == 0 {
		c.addf(claimKind, "grpc starts with a bootstrap of its own")
	} else if p.Bind == "" && p.HTTPProxyPort == 0 {
		c.addf(claimBind, "missing: the address of the proxy's ports")
	}
	if o.AdminPort < 1 || o.AdminPort > maxPort {
		c.addf("admin-port", "%d is not in 1..65535", o.AdminPort)
	} else if o.AdminPort == p.HTTPProxyPort {
		c.addf("admin-port", "%d is the HTTP proxy port too", o.AdminPort)
	} else {
		c.taken(p, "admin-port", o.AdminPort)
	}
	if _, err := netip.ParseAddr(o.AdminBind); o.AdminBind != "" && err != nil {
		c.addf("admin-bind", "%q is not an IP", o.AdminBind)
	}
	c.taken(p, claimPort, p.HTTPProxyPort)
	host, port, ok := splitHostPort(o.XDS)
	if !ok {
		c.addf("xds", "%q is not HOST:PORT", o.XDS)
	}
	c.serverTLS(o.TLS, p.Kind)
	return host, port
}

// taken checks that a port is none of the listeners that the proxy's other claims bring.
func (c *checks) taken(p model.Proxy, claim string, port uint32) {
	switch {
	case p.Capture && (port == model.CapturePort || port == model.InboundPort):
		c.addf(claim, "%d is a port of --capture, which are %d and %d", port, model.CapturePort, model.InboundPort)
	case p.Kind == model.Waypoint && (port == model.PortPROXY || port == model.PortHBONE):
		c.addf(claim, "%d is the port of a waypoint's Gateway, which are %d and %d", port, model.PortPROXY, model.PortHBONE)
	}
}

// splitHostPort reads IP:PORT, [IP]:PORT and NAME:PORT.
func splitHostPort(s string) (host string, port uint32, ok bool) {
	if at, err := netip.ParseAddrPort(s); err == nil {
		return at.Addr().String(), uint32(at.Port()), at.Port() > 0
	}
	colon := strings.LastIndexByte(s, ':')
	if colon < 0 {
		return "", 0, false
	}
	n, err := strconv.ParseUint(s[colon+1:], 10, 16)
	return s[:colon], uint32(n), err == nil && n > 0 && isWord(s[:colon], 253)
}

func deltaADS() *corev3.ApiConfigSource {
	return &corev3.ApiConfigSource{
		ApiType:                   corev3.ApiConfigSource_DELTA_GRPC,
		TransportApiVersion:       corev3.ApiVersion_V3,
		SetNodeOnFirstMessageOnly: true,
		GrpcServices: []*corev3.GrpcService{{TargetSpecifier: &corev3.GrpcService_EnvoyGrpc_{
			EnvoyGrpc: &corev3.GrpcService_EnvoyGrpc{ClusterName: xdsCluster},
		}}},
	}
}

// serverCluster reaches us. IPv4 is preferred for a name, because Envoy does
// not fall back from the address that it took first.
func serverCluster(host string, port uint32, t ServerTLS) *clusterv3.Cluster {
	kind := clusterv3.Cluster_STRICT_DNS
	if _, err := netip.ParseAddr(host); err == nil {
		kind = clusterv3.Cluster_STATIC
	}
	explicit := &httpv3.HttpProtocolOptions_ExplicitHttpConfig{
		ProtocolConfig: &httpv3.HttpProtocolOptions_ExplicitHttpConfig_Http2ProtocolOptions{
			Http2ProtocolOptions: &corev3.Http2ProtocolOptions{ConnectionKeepalive: &corev3.KeepaliveSettings{
				Interval: durationpb.New(pingInterval), Timeout: durationpb.New(pingTimeout),
			}},
		},
	}
	options := &httpv3.HttpProtocolOptions{
		UpstreamProtocolOptions: &httpv3.HttpProtocolOptions_ExplicitHttpConfig_{ExplicitHttpConfig: explicit},
	}
	c := &clusterv3.Cluster{
		Name:                 xdsCluster,
		ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: kind},
		ConnectTimeout:       durationpb.New(xdsConnectTimeout),
		LoadAssignment: &endpointv3.ClusterLoadAssignment{
			ClusterName: xdsCluster,
			Endpoints: []*endpointv3.LocalityLbEndpoints{{LbEndpoints: []*endpointv3.LbEndpoint{{
				HostIdentifier: &endpointv3.LbEndpoint_Endpoint{
					Endpoint: &endpointv3.Endpoint{Address: socketAddress(host, port)},
				},
			}}}},
		},
	}
	t.verify(c, options, host)
	c.TypedExtensionProtocolOptions = map[string]*anypb.Any{httpOptionsName: pack(options)}
	if kind == clusterv3.Cluster_STRICT_DNS {
		c.DnsLookupFamily = clusterv3.Cluster_V4_PREFERRED
	}
	return c
}

// connectionLimit is said because Envoy warns at every start where it is not.
// It is above what files a process may open, so it refuses nobody.
func connectionLimit() *overloadv3.OverloadManager {
	limit := &connectionsv3.DownstreamConnectionsConfig{MaxActiveDownstreamConnections: maxConnections}
	return &overloadv3.OverloadManager{ResourceMonitors: []*overloadv3.ResourceMonitor{{
		Name:       "envoy.resource_monitors.global_downstream_max_connections",
		ConfigType: &overloadv3.ResourceMonitor_TypedConfig{TypedConfig: pack(limit)},
	}}}
}

// maxRegex is above any pattern that model.CheckRegex lets through.
const maxRegex = 1 << 24

// regexLimit lets a route's pattern be larger than 100 steps of RE2, which are some
// dozen words: only a bootstrap can say that. The layer of /runtime_modify stays.
func regexLimit() *bootstrapv3.LayeredRuntime {
	static := &structpb.Struct{Fields: map[string]*structpb.Value{
		"re2.max_program_size.error_level": structpb.NewNumberValue(maxRegex),
	}}
	return &bootstrapv3.LayeredRuntime{Layers: []*bootstrapv3.RuntimeLayer{
		{Name: "static", LayerSpecifier: &bootstrapv3.RuntimeLayer_StaticLayer{StaticLayer: static}},
		{Name: "admin", LayerSpecifier: &bootstrapv3.RuntimeLayer_AdminLayer_{AdminLayer: &bootstrapv3.RuntimeLayer_AdminLayer{}}},
	}}
}

// deferredStats lets a cluster have the statistics of its traffic only once there is
// some: most clients never use most of their clusters (docs/decisions/cost-of-services.md).
func deferredStats() *bootstrapv3.Bootstrap_DeferredStatOptions {
	return &bootstrapv3.Bootstrap_DeferredStatOptions{EnableDeferredCreationStats: true}
}

// zoneTags turn cluster.C.zone.FROM.TO.upstream_rq… into labels (reference
// envoy 6). They begin with ^cluster\. because Envoy then tries them on no other
// statistic; it tries each at every letter of a name, and that is the largest part of
// what a cluster costs it.
func zoneTags() []*metricsv3.TagSpecifier {
	tag := func(name, regex string) *metricsv3.TagSpecifier {
		return &metricsv3.TagSpecifier{TagName: name, TagValue: &metricsv3.TagSpecifier_Regex{Regex: regex}}
	}
	return []*metricsv3.TagSpecifier{
		tag("from_zone", `^cluster\..+\.zone\.(([^.]+)\.)[^.]+\.upstream_rq`),
		tag("to_zone", `^cluster\..+\.zone\.[^.]+\.(([^.]+)\.)upstream_rq`),
	}
}
