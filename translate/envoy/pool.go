package envoy

import (
	"cmp"
	"math"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/coastwise/coastwise/translate/model"
)

const (
	connectTimeout = 10 * time.Second
	unlimited      = math.MaxUint32
	// mostStreams is HTTP/2's own limit; Envoy's default is 1024.
	mostStreams = math.MaxInt32
)

// breakers lift Envoy's limits of 1024 where the user sets none (semantics 9.6).
func breakers(p model.Pool) *clusterv3.CircuitBreakers {
	t := &clusterv3.CircuitBreakers_Thresholds{
		MaxConnections:     limited(p.MaxConnections),
		MaxPendingRequests: limited(p.MaxPendingRequests),
		MaxRequests:        limited(p.MaxRequests),
		MaxRetries:         limited(p.MaxRetries),
		TrackRemaining:     true,
	}
	if b := p.RetryBudget; b != nil {
		t.RetryBudget = &clusterv3.CircuitBreakers_Thresholds_RetryBudget{
			BudgetPercent:       &typev3.Percent{Value: b.Percent},
			MinRetryConcurrency: wrapperspb.UInt32(b.MinConcurrency),
			BudgetInterval:      present(b.Interval),
		}
	}
	return &clusterv3.CircuitBreakers{Thresholds: []*clusterv3.CircuitBreakers_Thresholds{t}}
}

func limited(n *uint32) *wrapperspb.UInt32Value {
	if n == nil {
		return wrapperspb.UInt32(unlimited)
	}
	return wrapperspb.UInt32(*n)
}

// connect is how long a connection may take to be made.
func connect(p model.Pool) *durationpb.Duration {
	return durationpb.New(cmp.Or(p.ConnectTimeout, connectTimeout))
}

// connectionOptions is nil where idle connections are not probed.
func connectionOptions(k *model.Keepalive) *clusterv3.UpstreamConnectionOptions {
	if k == nil {
		return nil
	}
	return &clusterv3.UpstreamConnectionOptions{TcpKeepalive: &corev3.TcpKeepalive{
		KeepaliveProbes: optional(k.Probes), KeepaliveTime: optional(k.Time), KeepaliveInterval: optional(k.Interval),
	}}
}

func optional(n *uint32) *wrapperspb.UInt32Value {
	if n == nil {
		return nil
	}
	return wrapperspb.UInt32(*n)
}

// upstreamHTTP says what the endpoints speak: HTTP/2 only where it is declared or
// asked for.
func upstreamHTTP(p model.AppProtocol, set model.ClusterSettings) *httpv3.HttpProtocolOptions {
	out := &httpv3.HttpProtocolOptions{
		CommonHttpProtocolOptions:   commonHTTP(set.Pool),
		UpstreamHttpProtocolOptions: autoSNI(set.TLS),
		OutlierDetection:            errorCodes(set.Outliers),
	}
	http1, http2 := &corev3.Http1ProtocolOptions{}, http2Options(set.Pool)
	if set.Pool.UseClientProtocol {
		out.UpstreamProtocolOptions = &httpv3.HttpProtocolOptions_UseDownstreamProtocolConfig{
			UseDownstreamProtocolConfig: &httpv3.HttpProtocolOptions_UseDownstreamHttpConfig{
				HttpProtocolOptions: http1, Http2ProtocolOptions: http2,
			},
		}
		return out
	}
	explicit := &httpv3.HttpProtocolOptions_ExplicitHttpConfig{
		ProtocolConfig: &httpv3.HttpProtocolOptions_ExplicitHttpConfig_HttpProtocolOptions{HttpProtocolOptions: http1},
	}
	if speaksHTTP2(p, set.Pool.Upgrade) {
		explicit.ProtocolConfig = &httpv3.HttpProtocolOptions_ExplicitHttpConfig_Http2ProtocolOptions{Http2ProtocolOptions: http2}
	}
	out.UpstreamProtocolOptions = &httpv3.HttpProtocolOptions_ExplicitHttpConfig_{ExplicitHttpConfig: explicit}
	return out
}

func speaksHTTP2(p model.AppProtocol, u model.Upgrade) bool {
	switch p {
	case model.ProtocolHTTP2, model.ProtocolGRPC:
		return true
	case model.ProtocolHTTP:
		return u != model.NoUpgrade
	}
	return u == model.UpgradeAlways
}

// commonHTTP is nil where nothing differs from Envoy's defaults.
func commonHTTP(p model.Pool) *corev3.HttpProtocolOptions {
	if p.IdleTimeout == nil && p.MaxConnectionDuration == 0 && p.MaxRequestsPerConnection == 0 {
		return nil
	}
	out := &corev3.HttpProtocolOptions{
		MaxConnectionDuration:    present(p.MaxConnectionDuration),
		MaxRequestsPerConnection: count(p.MaxRequestsPerConnection),
	}
	if p.IdleTimeout != nil {
		out.IdleTimeout = durationpb.New(*p.IdleTimeout)
	}
	return out
}

func http2Options(p model.Pool) *corev3.Http2ProtocolOptions {
	out := &corev3.Http2ProtocolOptions{MaxConcurrentStreams: wrapperspb.UInt32(cmp.Or(p.MaxConcurrentStreams, mostStreams))}
	if k := p.HTTP2Keepalive; k != nil {
		out.ConnectionKeepalive = &corev3.KeepaliveSettings{
			Interval: durationpb.New(k.Interval), Timeout: durationpb.New(k.Timeout),
		}
	}
	return out
}
