package envoy

import (
	"net/netip"
	"strings"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	proxyprotocolv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/proxy_protocol/v3"
	rawbufferv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/raw_buffer/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/proto"

	"github.com/coastwise/coastwise/translate/model"
)

const (
	tlsSocket           = "envoy.transport_sockets.tls"
	rawSocket           = "envoy.transport_sockets.raw_buffer"
	proxyProtocolSocket = "envoy.transport_sockets.upstream_proxy_protocol"
)

// transport is how bytes go to the endpoints (reference/destination-rule.md 2.7,
// 2.8); nil is plain TCP. The PROXY header comes before the handshake.
func transport(set model.ClusterSettings) *corev3.TransportSocket {
	var s *corev3.TransportSocket
	if set.TLS != nil {
		s = socket(tlsSocket, upstreamTLS(*set.TLS))
	}
	if set.ProxyProtocol == model.NoProxyProtocol {
		return s
	}
	if s == nil {
		s = socket(rawSocket, &rawbufferv3.RawBuffer{})
	}
	version := corev3.ProxyProtocolConfig_V1
	if set.ProxyProtocol == model.ProxyProtocolV2 {
		version = corev3.ProxyProtocolConfig_V2
	}
	return socket(proxyProtocolSocket, &proxyprotocolv3.ProxyProtocolUpstreamTransport{
		Config: &corev3.ProxyProtocolConfig{Version: version}, TransportSocket: s,
	})
}

func socket(name string, config proto.Message) *corev3.TransportSocket {
	return &corev3.TransportSocket{
		Name: name, ConfigType: &corev3.TransportSocket_TypedConfig{TypedConfig: pack(config)},
	}
}

// upstreamTLS names secrets, each in its file: the client's
// certificate, if it is shown, and the CA, unless nothing is verified.
func upstreamTLS(t model.TLS) *tlsv3.UpstreamTlsContext {
	common := &tlsv3.CommonTlsContext{}
	if t.Mutual {
		common.TlsCertificateSdsSecretConfigs = []*tlsv3.SdsSecretConfig{secret(t.Credential, t.File(t.Credential))}
	}
	if !t.SkipVerify {
		common.ValidationContextType = &tlsv3.CommonTlsContext_CombinedValidationContext{
			CombinedValidationContext: &tlsv3.CommonTlsContext_CombinedCertificateValidationContext{
				DefaultValidationContext:         &tlsv3.CertificateValidationContext{MatchTypedSubjectAltNames: sans(t.SubjectAltNames)},
				ValidationContextSdsSecretConfig: secret(t.CASecret(), t.File(t.CASecret())),
			},
		}
	}
	return &tlsv3.UpstreamTlsContext{CommonTlsContext: common, Sni: t.SNI}
}

func secret(name, file string) *tlsv3.SdsSecretConfig {
	return &tlsv3.SdsSecretConfig{Name: name, SdsConfig: &corev3.ConfigSource{
		ResourceApiVersion:    corev3.ApiVersion_V3,
		ConfigSourceSpecifier: &corev3.ConfigSource_PathConfigSource{PathConfigSource: &corev3.PathConfigSource{Path: file}},
	}}
}

func sans(names []string) []*tlsv3.SubjectAltNameMatcher {
	var out []*tlsv3.SubjectAltNameMatcher
	for _, name := range names {
		out = append(out, &tlsv3.SubjectAltNameMatcher{
			SanType: sanType(name), Matcher: &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Exact{Exact: name}},
		})
	}
	return out
}

// sanType tells names apart by how they look: Istio's rules do not say it.
func sanType(name string) tlsv3.SubjectAltNameMatcher_SanType {
	if _, err := netip.ParseAddr(name); err == nil {
		return tlsv3.SubjectAltNameMatcher_IP_ADDRESS
	}
	if strings.Contains(name, "://") {
		return tlsv3.SubjectAltNameMatcher_URI
	}
	return tlsv3.SubjectAltNameMatcher_DNS
}

// autoSNI says the request's host in the handshake where no SNI is written, and
// wants it in the certificate where no name is. nil where neither holds.
func autoSNI(t *model.TLS) *corev3.UpstreamHttpProtocolOptions {
	if t == nil || t.SNI != "" {
		return nil
	}
	return &corev3.UpstreamHttpProtocolOptions{
		AutoSni: true, AutoSanValidation: len(t.SubjectAltNames) == 0 && !t.SkipVerify,
	}
}

// ValidateCredentials says whether a cluster names no other secrets than the two of its
// policy's credential, in the folder of secrets where admission found them.
//
// The error is an *InvalidError.
func ValidateCredentials(s *model.Service, v model.Variant, r Resource) error {
	f := &findings{}
	m := new(clusterv3.Cluster)
	_, policy, err := resolve(s, v)
	if err != nil {
		f.addf("%v", err)
	}
	if !f.decode(r, m) || err != nil {
		return f.err(r)
	}
	f.secrets(m, func(c *tlsv3.SdsSecretConfig) bool {
		t := policy.Cluster.TLS
		return t != nil && (c.GetName() == t.Credential || c.GetName() == t.CASecret()) &&
			c.GetSdsConfig().GetPathConfigSource().GetPath() == t.File(c.GetName())
	})
	return f.err(r)
}
