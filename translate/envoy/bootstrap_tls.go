package envoy

import (
	"fmt"
	"net/netip"
	"path"
	"strings"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	injectorv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/credential_injector/v3"
	codecv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/upstream_codec/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	genericv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/http/injected_credentials/generic/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"
	"sigs.k8s.io/yaml"

	"github.com/coastwise/coastwise/translate/model"
)

// The names of the secrets, and, with ".yaml", of their files.
const (
	caSecretName    = "coastwise-ca"
	certSecretName  = "coastwise-certificate"
	tokenSecretName = "coastwise-token"
)

// ServerTLS is how a client and our xDS port prove who they are; the zero value is
// plaintext. All paths are as the client sees them.
type ServerTLS struct {
	// CA signs our certificate, which is for ServerName; empty: the host of the port.
	CA, ServerName string
	// Cert and Key are what the client shows, Token the file of its service-account
	// token: one of the two.
	Cert, Key, Token string
	// SDSDir is the folder of Secrets, by which an Envoy reads all these again when they
	// change; a gRPC client has none.
	SDSDir string
}

func (t ServerTLS) on() bool { return t != ServerTLS{} }

// certificate is what a waypoint shows in tunnels too: the one of its xDS stream. One
// that proves itself by a token has none.
func (t ServerTLS) certificate(k model.Kind) model.Certificate {
	if k != model.Waypoint || t.Cert == "" {
		return model.Certificate{}
	}
	return model.Certificate{CA: t.CA, Cert: t.Cert, Key: t.Key}
}

// serverTLS checks the flags of a client of this kind.
func (c *checks) serverTLS(t ServerTLS, kind model.Kind) {
	if !t.on() {
		return
	}
	if t.CA == "" {
		c.addf("ca", "missing: who signs the certificate of the xDS port")
	}
	if t.Cert != "" && t.Key == "" {
		c.addf("key", "missing: the private key of --cert")
	}
	if t.Key != "" && t.Cert == "" {
		c.addf("cert", "missing: the certificate of --key")
	}
	if t.Token != "" && t.Cert != "" {
		c.addf("token-file", "give it or --cert: one proof is enough")
	}
	if t.Token == "" && t.Cert == "" && t.Key == "" {
		c.addf("token-file", "missing: with --ca give it, or --cert and --key: nobody is served who is not verified")
	}
	if t.ServerName != "" && !isWord(t.ServerName, 253) {
		c.addf("server-name", "%q is not a host name", t.ServerName)
	}
	if kind == model.GRPC {
		c.withoutSDS(t)
	} else if t.SDSDir == "" {
		c.addf("sds-dir", "missing: a folder for the files by which Envoy reads the certificates and the token again")
	}
}

// withoutSDS refuses what a gRPC client's bootstrap has no place for.
func (c *checks) withoutSDS(t ServerTLS) {
	if t.ServerName != "" {
		c.addf("server-name", "means nothing to kind grpc: the certificate must be for the host of --xds")
	}
	if t.SDSDir != "" {
		c.addf("sds-dir", "means nothing to kind grpc: such a client reads the files again by itself")
	}
}

// Secret is one file of SDSDir: it holds paths, and nothing that is secret.
type Secret struct {
	Name string
	YAML []byte
}

// Secrets are the files that a bootstrap with TLS refers to, by name; none without.
func Secrets(t ServerTLS) ([]Secret, error) {
	if !t.on() {
		return nil, nil
	}
	secrets := []*tlsv3.Secret{caSecret(t.CA)}
	if t.Cert != "" {
		secrets = append(secrets, pairSecret(t.Cert, t.Key))
	}
	if t.Token != "" {
		source := file(t.Token)
		source.WatchedDirectory = watched(t.Token)
		secrets = append(secrets, &tlsv3.Secret{Name: tokenSecretName, Type: &tlsv3.Secret_GenericSecret{
			GenericSecret: &tlsv3.GenericSecret{Secret: source},
		}})
	}
	var out []Secret
	for _, s := range secrets {
		text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(
			&discoveryv3.DiscoveryResponse{Resources: []*anypb.Any{pack(s)}})
		if err != nil {
			return nil, fmt.Errorf("secret %s: %w", s.Name, err)
		}
		if text, err = yaml.JSONToYAML(text); err != nil {
			return nil, fmt.Errorf("secret %s: %w", s.Name, err)
		}
		out = append(out, Secret{Name: s.Name + ".yaml", YAML: text})
	}
	return out, nil
}

func caSecret(ca string) *tlsv3.Secret {
	return &tlsv3.Secret{Name: caSecretName, Type: &tlsv3.Secret_ValidationContext{
		ValidationContext: &tlsv3.CertificateValidationContext{TrustedCa: file(ca), WatchedDirectory: watched(ca)},
	}}
}

func pairSecret(cert, key string) *tlsv3.Secret {
	pair := &tlsv3.TlsCertificate{CertificateChain: file(cert), PrivateKey: file(key)}
	if path.Dir(cert) == path.Dir(key) { // else each file is watched by itself
		pair.WatchedDirectory = watched(cert)
	}
	return &tlsv3.Secret{Name: certSecretName, Type: &tlsv3.Secret_TlsCertificate{TlsCertificate: pair}}
}

func file(name string) *corev3.DataSource {
	return &corev3.DataSource{Specifier: &corev3.DataSource_Filename{Filename: name}}
}

// watched is the folder of a file: of a mounted Secret its "..data" is what is
// replaced, and not the file.
func watched(name string) *corev3.WatchedDirectory {
	return &corev3.WatchedDirectory{Path: path.Dir(name)}
}

// verify makes the cluster of our xDS port TLS.
func (t ServerTLS) verify(c *clusterv3.Cluster, h *httpv3.HttpProtocolOptions, host string) {
	if !t.on() {
		return
	}
	name := t.ServerName
	if name == "" {
		name = host
	}
	common := &tlsv3.CommonTlsContext{
		TlsParams: &tlsv3.TlsParameters{
			TlsMinimumProtocolVersion: tlsv3.TlsParameters_TLSv1_3, TlsMaximumProtocolVersion: tlsv3.TlsParameters_TLSv1_3,
		},
		AlpnProtocols: []string{"h2"},
		ValidationContextType: &tlsv3.CommonTlsContext_CombinedValidationContext{
			CombinedValidationContext: &tlsv3.CommonTlsContext_CombinedCertificateValidationContext{
				DefaultValidationContext:         &tlsv3.CertificateValidationContext{MatchTypedSubjectAltNames: sans([]string{name})},
				ValidationContextSdsSecretConfig: t.secret(caSecretName),
			},
		},
	}
	if t.Cert != "" {
		common.TlsCertificateSdsSecretConfigs = []*tlsv3.SdsSecretConfig{t.secret(certSecretName)}
	}
	upstream := &tlsv3.UpstreamTlsContext{CommonTlsContext: common}
	if _, err := netip.ParseAddr(name); err != nil {
		upstream.Sni = name // which is a host name by RFC 6066
	}
	c.TransportSocket = socket(tlsSocket, upstream)
	if t.Token != "" {
		h.HttpFilters = t.injectToken()
	}
}

// injectToken puts the token of now into every new stream.
func (t ServerTLS) injectToken() []*hcmv3.HttpFilter {
	generic := &genericv3.Generic{
		Header: "authorization", HeaderValuePrefix: "Bearer ", Credential: t.secret(tokenSecretName),
	}
	injector := &injectorv3.CredentialInjector{Overwrite: true, Credential: &corev3.TypedExtensionConfig{
		Name: "envoy.http.injected_credentials.generic", TypedConfig: pack(generic),
	}}
	filter := func(name string, config *anypb.Any) *hcmv3.HttpFilter {
		return &hcmv3.HttpFilter{Name: name, ConfigType: &hcmv3.HttpFilter_TypedConfig{TypedConfig: config}}
	}
	return []*hcmv3.HttpFilter{
		filter("envoy.filters.http.credential_injector", pack(injector)),
		filter("envoy.filters.http.upstream_codec", pack(&codecv3.UpstreamCodec{})),
	}
}

func (t ServerTLS) secret(name string) *tlsv3.SdsSecretConfig {
	return secret(name, strings.TrimSuffix(t.SDSDir, "/")+"/"+name+".yaml")
}
