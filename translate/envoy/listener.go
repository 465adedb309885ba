package envoy

import (
	"fmt"
	"net/netip"

	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/config/accesslog/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	streamv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/stream/v3"
	routerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	celv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/formatter/cel/v3"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
)

// RouteName is the name of the HTTP proxy port's listener and of its routes.
const RouteName = "http-proxy"

// Listen is where a proxy listens: all that its listeners read of it. Bind is a
// literal IP, Port 1..65535.
type Listen struct {
	Bind string
	Port uint32
	// Connect also takes CONNECT (semantics 9.2).
	Connect bool
}

// Listener is the HTTP proxy port (semantics 9.2): plain HTTP/1 and HTTP/2 with
// prior knowledge, by Host and in absolute form, with websocket upgrade, an
// access log on stdout and its routes under RouteName on the same stream.
//
// It fails if Bind is not an IP or Port is out of range.
func Listener(l Listen) (Resource, error) {
	if _, err := netip.ParseAddr(l.Bind); err != nil {
		return Resource{}, fmt.Errorf("HTTP proxy port: bind address %q is not an IP", l.Bind)
	}
	if l.Port < 1 || l.Port > maxPort {
		return Resource{}, fmt.Errorf("HTTP proxy port: %d is not in 1..65535", l.Port)
	}
	manager := connectionManager(RouteName, RouteName, "")
	if l.Connect {
		connecting(manager)
	}
	hcm := networkFilter("envoy.filters.network.http_connection_manager", manager)
	address := socketAddress(l.Bind, l.Port)
	if l.Connect { // older clients keep what they have
		address = listenAddress(l.Bind, l.Port)
	}
	return encode(ListenerType, RouteName, &listenerv3.Listener{
		Name:             RouteName,
		Address:          address,
		StatPrefix:       RouteName,
		TrafficDirection: corev3.TrafficDirection_OUTBOUND,
		FilterChains:     []*listenerv3.FilterChain{{Filters: []*listenerv3.Filter{hcm}}},
	})
}

// connectionManager changes as little as possible on the way: the server header
// is the backend's, and an idle stream lives until its ends close it. HTTP/1.0 is
// served, which Envoy by itself answers with 426; host, if not "", is whom a request
// of it means that names nobody.
func connectionManager(stat, routes, host string) *hcmv3.HttpConnectionManager {
	return &hcmv3.HttpConnectionManager{
		StatPrefix: stat,
		RouteSpecifier: &hcmv3.HttpConnectionManager_Rds{
			Rds: &hcmv3.Rds{ConfigSource: ads(), RouteConfigName: routes},
		},
		HttpFilters:                []*hcmv3.HttpFilter{httpFilter("envoy.filters.http.router", &routerv3.Router{})},
		HttpProtocolOptions:        &corev3.Http1ProtocolOptions{AcceptHttp_10: true, DefaultHostForHttp_10: host},
		StripTrailingHostDot:       true, // reviews.default. is reviews.default
		ServerHeaderTransformation: hcmv3.HttpConnectionManager_PASS_THROUGH,
		StreamIdleTimeout:          durationpb.New(0),
		UpgradeConfigs:             []*hcmv3.HttpConnectionManager_UpgradeConfig{{UpgradeType: "websocket"}},
		AccessLog:                  accessLogs(),
	}
}

func accessLogs() []*accesslogv3.AccessLog {
	return []*accesslogv3.AccessLog{{
		Name:       "envoy.access_loggers.stdout",
		ConfigType: &accesslogv3.AccessLog_TypedConfig{TypedConfig: pack(accessLog())},
	}}
}

// accessLog prints one JSON object per request, or per connection of a TCP listener. Its
// keys are a contract.
func accessLog() *streamv3.StdoutAccessLog {
	fields := map[string]string{
		"time":        "%START_TIME%",
		"method":      "%REQ(:METHOD)%",
		"authority":   "%REQ(:AUTHORITY)%",
		"path":        "%REQ(:PATH)%",
		"code":        "%RESPONSE_CODE%",
		"flags":       "%RESPONSE_FLAGS%",
		"details":     "%RESPONSE_CODE_DETAILS%",
		"duration_ms": "%DURATION%",
		"cluster":     "%UPSTREAM_CLUSTER_RAW%",
		"host":        "%UPSTREAM_HOST%",
		"region":      upstreamLocality("region"),
		"zone":        upstreamLocality("zone"),
		"reason":      upstreamLocality("reason"),
	}
	format := &structpb.Struct{Fields: make(map[string]*structpb.Value, len(fields))}
	for key, command := range fields {
		format.Fields[key] = structpb.NewStringValue(command)
	}
	return &streamv3.StdoutAccessLog{AccessLogFormat: &streamv3.StdoutAccessLog_LogFormat{
		LogFormat: &corev3.SubstitutionFormatString{
			Format:     &corev3.SubstitutionFormatString_JsonFormat{JsonFormat: format},
			Formatters: []*corev3.TypedExtensionConfig{celFormatter()},
		},
	}}
}

// celFormatter gives an empty cel_config because Envoy 1.40 warns, at each
// listener, of a formatter without one.
func celFormatter() *corev3.TypedExtensionConfig {
	return &corev3.TypedExtensionConfig{
		Name:        "envoy.formatter.cel",
		TypedConfig: pack(&celv3.Cel{CelConfig: &corev3.CelExpressionConfig{}}),
	}
}

// upstreamLocality reads what a load assignment says of the place.
func upstreamLocality(field string) string {
	return "%CEL(xds.upstream_host_locality_metadata.filter_metadata['" + MetadataKey + "']['" + field + "'])%"
}
