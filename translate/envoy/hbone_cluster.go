package envoy

import (
	"fmt"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	internalv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/internal_upstream/v3"
	rawbufferv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/raw_buffer/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	metadatav3 "github.com/envoyproxy/go-control-plane/envoy/type/metadata/v3"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
)

// socketMatchMeta is where an endpoint's metadata chooses among a cluster's sockets.
const socketMatchMeta = "envoy.transport_socket_match"

const internalSocket = "envoy.transport_sockets.internal_upstream"

const (
	// tunnelConnect is how long a tunnel's own connection to a pod may take to be made
	// behind the internal listener, where no policy reaches.
	tunnelConnect = 2 * time.Second
	// tunnelIdle is how long such a connection is kept for the next tunnel.
	tunnelIdle = time.Hour
)

// HBONECluster is one of the two clusters of an HBONE waypoint that are no service's:
// MainInternal leads a tunnel that ended to the chains of the services,
// ConnectOriginate goes to the pod that the listener of this name was told of.
//
// It fails on another name.
func HBONECluster(name, trustDomain string) (Resource, error) {
	switch name {
	case MainInternal:
		c := &clusterv3.Cluster{Name: name, CircuitBreakers: breakers(model.Pool{})}
		toInternal(c, MainInternal)
		return encode(ClusterType, name, c)
	case ConnectOriginate:
		return encode(ClusterType, name, &clusterv3.Cluster{
			Name:                 name,
			ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: clusterv3.Cluster_ORIGINAL_DST},
			LbPolicy:             clusterv3.Cluster_CLUSTER_PROVIDED,
			LbConfig: &clusterv3.Cluster_OriginalDstLbConfig_{OriginalDstLbConfig: &clusterv3.Cluster_OriginalDstLbConfig{
				UpstreamPortOverride: wrapperspb.UInt32(model.PortTunnel),
			}},
			ConnectTimeout:                durationpb.New(tunnelConnect),
			CircuitBreakers:               breakers(model.Pool{}),
			TypedExtensionProtocolOptions: map[string]*anypb.Any{httpOptionsName: pack(tunnelHTTP())},
			TransportSocket:               socket(tlsSocket, &tlsv3.UpstreamTlsContext{CommonTlsContext: hboneTLS(identityPrefix(trustDomain))}),
		})
	}
	return Resource{}, fmt.Errorf("there is no cluster %q of an HBONE waypoint", name)
}

// Tunnel is the cluster of a port's direct tunnels, beside its ordinary one, for clients
// of the form HBONE: the zero Resource where the port has none (model.Service.Direct).
// Where the port's endpoints have several identities there is a socket for each, which
// the endpoint's metadata chooses.
//
// It fails as Cluster does.
func Tunnel(s *model.Service, v model.Variant) (Resource, error) {
	port, policy, err := resolve(s, v)
	if err != nil || !tunnels(s, v, port) {
		return Resource{}, err
	}
	lb, err := loadBalancing(policy, localityWeighting(policy))
	if err != nil {
		return Resource{}, fmt.Errorf("tunnels of %s port %d: %w", s.Host, v.Port, err)
	}
	name := TunnelName(v.Port, v.Subset, s.Host)
	c := &clusterv3.Cluster{
		Name:                          name,
		AltStatName:                   AltStatName(s.Namespace, s.Name, v.Port, v.Subset) + "/tunnel",
		ConnectTimeout:                connect(policy.Cluster.Pool),
		CircuitBreakers:               breakers(policy.Cluster.Pool),
		CommonLbConfig:                commonLb(policy),
		LoadBalancingPolicy:           lb,
		UpstreamConnectionOptions:     connectionOptions(policy.Cluster.Pool.Keepalive),
		OutlierDetection:              outlierDetection(policy.Cluster.Outliers),
		ClusterDiscoveryType:          &clusterv3.Cluster_Type{Type: clusterv3.Cluster_EDS},
		EdsClusterConfig:              &clusterv3.Cluster_EdsClusterConfig{EdsConfig: ads(), ServiceName: name},
		TypedExtensionProtocolOptions: map[string]*anypb.Any{httpOptionsName: pack(tunnelHTTP())},
		TransportSocket: socket(tlsSocket, &tlsv3.UpstreamTlsContext{
			CommonTlsContext: hboneTLS("", port.Identities()...),
		}),
	}
	if identities := port.Identities(); len(identities) > 1 {
		for _, id := range identities {
			c.TransportSocketMatches = append(c.TransportSocketMatches, &clusterv3.Cluster_TransportSocketMatch{
				Name:            id,
				Match:           &structpb.Struct{Fields: map[string]*structpb.Value{identityKey: structpb.NewStringValue(id)}},
				TransportSocket: socket(tlsSocket, &tlsv3.UpstreamTlsContext{CommonTlsContext: hboneTLS("", id)}),
			})
		}
	}
	return encode(ClusterType, name, c)
}

// TunnelAssignment is the ClusterLoadAssignment of Tunnel: the same groups as the
// ordinary one's, each endpoint by the port of its ztunnel.
func TunnelAssignment(s *model.Service, v model.Variant, a locality.Assignment) (Resource, error) {
	port, _, err := resolve(s, v)
	if err != nil || !tunnels(s, v, port) {
		return Resource{}, err
	}
	name := TunnelName(v.Port, v.Subset, s.Host)
	return encode(EndpointType, name, loadAssignment(name, a, toZtunnel))
}

func tunnels(s *model.Service, v model.Variant, port model.Port) bool {
	return v.View.Form == model.HBONE && v.Subset == "" && s.Direct(port)
}

// hboneTLS is mutual TLS of tunnels with the client's own certificate, which it gets by
// the stream that this comes by (Secret): the peer shows an identity that begins with
// prefix, if there is one, or one of names. TLS 1.3 must be said: that of Envoy's
// clients is 1.2.
func hboneTLS(prefix string, names ...string) *tlsv3.CommonTlsContext {
	expected := sans(names)
	if prefix != "" {
		expected = append(expected, &tlsv3.SubjectAltNameMatcher{
			SanType: tlsv3.SubjectAltNameMatcher_URI,
			Matcher: &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Prefix{Prefix: prefix}},
		})
	}
	byStream := func(name string) *tlsv3.SdsSecretConfig { return &tlsv3.SdsSecretConfig{Name: name, SdsConfig: ads()} }
	return &tlsv3.CommonTlsContext{
		AlpnProtocols: []string{"h2"},
		TlsParams: &tlsv3.TlsParameters{
			TlsMinimumProtocolVersion: tlsv3.TlsParameters_TLSv1_3, TlsMaximumProtocolVersion: tlsv3.TlsParameters_TLSv1_3,
		},
		TlsCertificateSdsSecretConfigs: []*tlsv3.SdsSecretConfig{byStream(certSecretName)},
		ValidationContextType: &tlsv3.CommonTlsContext_CombinedValidationContext{
			CombinedValidationContext: &tlsv3.CommonTlsContext_CombinedCertificateValidationContext{
				DefaultValidationContext:         &tlsv3.CertificateValidationContext{MatchTypedSubjectAltNames: expected},
				ValidationContextSdsSecretConfig: byStream(caSecretName),
			},
		},
	}
}

// tunnelHTTP is HTTP/2 that carries CONNECT.
func tunnelHTTP() *httpv3.HttpProtocolOptions {
	return &httpv3.HttpProtocolOptions{
		CommonHttpProtocolOptions: &corev3.HttpProtocolOptions{IdleTimeout: durationpb.New(tunnelIdle)},
		UpstreamProtocolOptions: &httpv3.HttpProtocolOptions_ExplicitHttpConfig_{ExplicitHttpConfig: &httpv3.HttpProtocolOptions_ExplicitHttpConfig{
			ProtocolConfig: &httpv3.HttpProtocolOptions_ExplicitHttpConfig_Http2ProtocolOptions{Http2ProtocolOptions: &corev3.Http2ProtocolOptions{
				AllowConnect:        true,
				ConnectionKeepalive: &corev3.KeepaliveSettings{Interval: durationpb.New(tunnelPing), Timeout: durationpb.New(tunnelPong)},
			}},
		}},
	}
}

// hop crosses to an internal listener, and takes the endpoint's metadata of these names
// with it. Endpoints that are plain addresses are reached by what is under it, nil: raw
// bytes.
func hop(under *corev3.TransportSocket, passed ...string) *corev3.TransportSocket {
	if under == nil {
		under = socket(rawSocket, &rawbufferv3.RawBuffer{})
	}
	out := &internalv3.InternalUpstreamTransport{TransportSocket: under}
	for _, name := range passed {
		out.PassthroughMetadata = append(out.PassthroughMetadata, &internalv3.InternalUpstreamTransport_MetadataValueSource{
			Kind: &metadatav3.MetadataKind{Kind: &metadatav3.MetadataKind_Host_{Host: &metadatav3.MetadataKind_Host{}}},
			Name: name,
		})
	}
	return socket(internalSocket, out)
}

// internalAddress is an internal listener; id, if not "", tells endpoints behind it apart.
func internalAddress(listener, id string) *corev3.Address {
	return &corev3.Address{Address: &corev3.Address_EnvoyInternalAddress{EnvoyInternalAddress: &corev3.EnvoyInternalAddress{
		AddressNameSpecifier: &corev3.EnvoyInternalAddress_ServerListenerName{ServerListenerName: listener}, EndpointId: id,
	}}}
}
