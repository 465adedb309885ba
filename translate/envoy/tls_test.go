package envoy

import (
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	proxyprotocolv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/proxy_protocol/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/coastwise/coastwise/translate/model"
)

// encrypted are policies that between them have all there is of TLS.
func encrypted() []model.Policy {
	var out []model.Policy
	for _, set := range []model.ClusterSettings{
		{TLS: &model.TLS{SkipVerify: true, SNI: "a.example"}},
		{TLS: &model.TLS{SkipVerify: true}, ProxyProtocol: model.ProxyProtocolV2},
		{ProxyProtocol: model.ProxyProtocolV1},
	} {
		p := plain()
		p.Cluster = set
		out = append(out, p)
	}
	return out
}

func mutualTLS() *model.TLS {
	return &model.TLS{Credential: "web", Dir: "/tls", Mutual: true, SubjectAltNames: []string{"::1", "a.example", "spiffe://a/b"}}
}

func tlsOf(t *testing.T, c *clusterv3.Cluster) *tlsv3.UpstreamTlsContext {
	t.Helper()
	out := new(tlsv3.UpstreamTlsContext)
	if err := c.GetTransportSocket().GetTypedConfig().UnmarshalTo(out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTLS(t *testing.T) {
	for _, tt := range []struct {
		name string
		tls  model.TLS
		want string
		auto *corev3.UpstreamHttpProtocolOptions
	}{
		{
			"mutual", *mutualTLS(), `{"common_tls_context": {
			"tls_certificate_sds_secret_configs": [{"name": "web", "sds_config": {"path_config_source": {"path": "/tls/web.yaml"}, "resource_api_version": "V3"}}],
			"combined_validation_context": {
				"default_validation_context": {"match_typed_subject_alt_names": [
					{"san_type": "IP_ADDRESS", "matcher": {"exact": "::1"}}, {"san_type": "DNS", "matcher": {"exact": "a.example"}}, {"san_type": "URI", "matcher": {"exact": "spiffe://a/b"}}]},
				"validation_context_sds_secret_config": {"name": "web-ca", "sds_config": {"path_config_source": {"path": "/tls/web-ca.yaml"}, "resource_api_version": "V3"}}}}}`,
			&corev3.UpstreamHttpProtocolOptions{AutoSni: true},
		},
		{"simple", model.TLS{Credential: "web", Dir: "/tls", SNI: "b"}, `{"sni": "b", "common_tls_context": {
			"combined_validation_context": {
				"default_validation_context": {},
				"validation_context_sds_secret_config": {"name": "web-ca", "sds_config": {"path_config_source": {"path": "/tls/web-ca.yaml"}, "resource_api_version": "V3"}}}}}`, nil},
		{"the host", model.TLS{Credential: "web", Dir: "/tls"}, "", &corev3.UpstreamHttpProtocolOptions{AutoSni: true, AutoSanValidation: true}},
		{
			"mutual, not verified",
			model.TLS{Credential: "web", Dir: "/tls", Mutual: true, SkipVerify: true},
			`{"common_tls_context": {
			"tls_certificate_sds_secret_configs": [{"name": "web", "sds_config": {"path_config_source": {"path": "/tls/web.yaml"}, "resource_api_version": "V3"}}]}}`,
			&corev3.UpstreamHttpProtocolOptions{AutoSni: true},
		},
		{"not verified", model.TLS{SkipVerify: true}, `{"common_tls_context": {}}`, &corev3.UpstreamHttpProtocolOptions{AutoSni: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			policy, v := plain(), model.Variant{Port: 80}
			policy.Cluster.TLS = &tt.tls
			s := reviews(policy)
			r := must[Resource](t)(Cluster(s, v, assignment()))
			if err := Validate(r); err != nil {
				t.Error(err)
			}
			if err := ValidateCredentials(s, v, r); err != nil {
				t.Error(err)
			}
			c := decoded(t, r, new(clusterv3.Cluster))
			if diff := cmp.Diff(tt.auto, optionsOf(t, c).UpstreamHttpProtocolOptions, protocmp.Transform()); diff != "" {
				t.Error(diff)
			}
			if tt.want == "" {
				return
			}
			if diff := cmp.Diff(jsonOf(t, tt.want, new(tlsv3.UpstreamTlsContext)), tlsOf(t, c), protocmp.Transform()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestProxyProtocol(t *testing.T) {
	policy := plain()
	policy.Cluster.TLS, policy.Cluster.ProxyProtocol = mutualTLS(), model.ProxyProtocolV2
	c := cluster(t, policy, model.Variant{Port: 80})
	out := new(proxyprotocolv3.ProxyProtocolUpstreamTransport)
	if err := c.GetTransportSocket().GetTypedConfig().UnmarshalTo(out); err != nil {
		t.Fatal(err)
	}
	if out.Config.Version != corev3.ProxyProtocolConfig_V2 || out.TransportSocket.Name != tlsSocket {
		t.Errorf("%v", out)
	}
	if c := cluster(t, plain(), model.Variant{Port: 80}); c.TransportSocket != nil {
		t.Errorf("without settings: %v", c.TransportSocket)
	}
}

// No file is named but those of the credential, however deep it stands.
func TestValidateFiles(t *testing.T) {
	policy, v := plain(), model.Variant{Port: 80}
	policy.Cluster.TLS, policy.Cluster.ProxyProtocol = mutualTLS(), model.ProxyProtocolV1
	for _, tt := range []struct {
		name     string
		spoil    func(*tlsv3.CommonTlsContext)
		own, all bool // whether Validate, and ValidateCredentials, find it
	}{
		{"as built", func(*tlsv3.CommonTlsContext) {}, false, false},
		{"other folder", func(c *tlsv3.CommonTlsContext) {
			c.TlsCertificateSdsSecretConfigs[0] = secret("web", "/etc/web.yaml")
		}, false, true},
		{"other credential", func(c *tlsv3.CommonTlsContext) {
			c.TlsCertificateSdsSecretConfigs[0] = secret("other", "/tls/other.yaml")
		}, false, true},
		{"other file", func(c *tlsv3.CommonTlsContext) {
			c.TlsCertificateSdsSecretConfigs[0] = secret("web", "/tls/passwd")
		}, true, true},
		{"climbs", func(c *tlsv3.CommonTlsContext) {
			c.TlsCertificateSdsSecretConfigs[0] = secret("web", "/tls/../web.yaml")
		}, true, true},
		{"relative", func(c *tlsv3.CommonTlsContext) {
			c.TlsCertificateSdsSecretConfigs[0] = secret("web", "web.yaml")
		}, true, true},
		{"a key itself", func(c *tlsv3.CommonTlsContext) {
			c.TlsCertificates = []*tlsv3.TlsCertificate{{PrivateKey: &corev3.DataSource{Specifier: &corev3.DataSource_Filename{Filename: "/tls/web.yaml"}}}}
		}, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := reviews(policy)
			c := decoded(t, must[Resource](t)(Cluster(s, v, assignment())), new(clusterv3.Cluster))
			header, inner := new(proxyprotocolv3.ProxyProtocolUpstreamTransport), new(tlsv3.UpstreamTlsContext)
			if err := c.TransportSocket.GetTypedConfig().UnmarshalTo(header); err != nil {
				t.Fatal(err)
			}
			if err := header.TransportSocket.GetTypedConfig().UnmarshalTo(inner); err != nil {
				t.Fatal(err)
			}
			tt.spoil(inner.CommonTlsContext)
			header.TransportSocket = socket(tlsSocket, inner)
			c.TransportSocket = socket(proxyProtocolSocket, header)
			r := must[Resource](t)(encode(ClusterType, c.Name, c))
			if err := Validate(r); (err != nil) != tt.own {
				t.Errorf("Validate: %v", err)
			}
			if err := ValidateCredentials(s, v, r); (err != nil) != tt.all {
				t.Errorf("ValidateCredentials: %v", err)
			}
		})
	}
}
