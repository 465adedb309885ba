package envoy

import (
	"encoding/json"
	"strings"
	"testing"

	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"sigs.k8s.io/yaml"

	"github.com/coastwise/coastwise/translate/model"
)

func byToken() ServerTLS {
	return ServerTLS{CA: "/ca/ca.crt", Token: "/token/coastwise", SDSDir: "/etc/envoy/"}
}

func byCert() ServerTLS {
	return ServerTLS{CA: "/tls/ca.crt", Cert: "/tls/tls.crt", Key: "/tls/tls.key", ServerName: "coastwise.mesh", SDSDir: "/etc/envoy"}
}

// secured is the TLS of the cluster of our port, and the names of its HTTP filters.
func secured(t *testing.T, o BootstrapOptions) (*tlsv3.UpstreamTlsContext, []string) {
	t.Helper()
	c := readBootstrap(t, goodProxy(), o).GetStaticResources().GetClusters()[0]
	tls, options := new(tlsv3.UpstreamTlsContext), new(httpv3.HttpProtocolOptions)
	if err := c.GetTransportSocket().GetTypedConfig().UnmarshalTo(tls); err != nil {
		t.Fatal(err)
	}
	if err := c.TypedExtensionProtocolOptions[httpOptionsName].UnmarshalTo(options); err != nil {
		t.Fatal(err)
	}
	var filters []string
	for _, f := range options.HttpFilters {
		filters = append(filters, f.Name)
	}
	return tls, filters
}

func TestBootstrapTLS(t *testing.T) {
	for name, c := range map[string]struct {
		xds      string
		tls      ServerTLS
		sni, san string
		ip       bool
		certs    int
		filters  string
	}{
		"token":       {xds: "coastwise.svc:1", tls: byToken(), sni: "coastwise.svc", san: "coastwise.svc", filters: "envoy.filters.http.credential_injector envoy.filters.http.upstream_codec"},
		"certificate": {xds: "10.0.0.1:1", tls: byCert(), sni: "coastwise.mesh", san: "coastwise.mesh", certs: 1},
		"at an IP":    {xds: "10.0.0.1:1", tls: byToken(), san: "10.0.0.1", ip: true, filters: "envoy.filters.http.credential_injector envoy.filters.http.upstream_codec"},
	} {
		t.Run(name, func(t *testing.T) {
			o := goodOptions()
			o.XDS, o.TLS = c.xds, c.tls
			tls, filters := secured(t, o)
			common := tls.CommonTlsContext
			san := common.GetCombinedValidationContext().DefaultValidationContext.MatchTypedSubjectAltNames
			if tls.Sni != c.sni || len(san) != 1 || san[0].Matcher.GetExact() != c.san || (san[0].SanType == tlsv3.SubjectAltNameMatcher_IP_ADDRESS) != c.ip {
				t.Errorf("SNI %q, SAN %v", tls.Sni, san)
			}
			if common.TlsParams.TlsMinimumProtocolVersion != tlsv3.TlsParameters_TLSv1_3 {
				t.Errorf("%v", common.TlsParams)
			}
			ca := common.GetCombinedValidationContext().ValidationContextSdsSecretConfig
			if at := ca.SdsConfig.GetPathConfigSource().GetPath(); ca.Name != "coastwise-ca" || at != "/etc/envoy/coastwise-ca.yaml" {
				t.Errorf("CA %q at %q", ca.Name, at)
			}
			if len(common.TlsCertificateSdsSecretConfigs) != c.certs || strings.Join(filters, " ") != c.filters {
				t.Errorf("%d certificates, filters %v", len(common.TlsCertificateSdsSecretConfigs), filters)
			}
		})
	}
	if c := readBootstrap(t, goodProxy(), goodOptions()).GetStaticResources().GetClusters()[0]; c.TransportSocket != nil {
		t.Error("plaintext has a transport socket")
	}
}

// The files of secrets name the paths that were given, and watch their folders.
func TestSecrets(t *testing.T) {
	apart := byCert()
	apart.Key = "/key/tls.key"
	for name, c := range map[string]struct {
		tls  ServerTLS
		want map[string][]string // by file, what is in it
	}{
		"plaintext":   {},
		"token":       {tls: byToken(), want: map[string][]string{"coastwise-ca.yaml": {"filename: /ca/ca.crt", "path: /ca\n"}, "coastwise-token.yaml": {"filename: /token/coastwise", "path: /token\n"}}},
		"certificate": {tls: byCert(), want: map[string][]string{"coastwise-ca.yaml": {"/tls/ca.crt"}, "coastwise-certificate.yaml": {"filename: /tls/tls.crt", "filename: /tls/tls.key", "path: /tls\n"}}},
		"two folders": {tls: apart, want: map[string][]string{"coastwise-ca.yaml": {"/tls/ca.crt"}, "coastwise-certificate.yaml": {"filename: /tls/tls.crt", "filename: /key/tls.key"}}},
	} {
		t.Run(name, func(t *testing.T) {
			secrets := must[[]Secret](t)(Secrets(c.tls))
			if len(secrets) != len(c.want) {
				t.Fatalf("%d files", len(secrets))
			}
			for _, s := range secrets {
				response := new(discoveryv3.DiscoveryResponse)
				if err := protojson.Unmarshal(must[[]byte](t)(yaml.YAMLToJSON(s.YAML)), response); err != nil || len(response.Resources) != 1 {
					t.Fatal(err, response)
				}
				for _, want := range c.want[s.Name] {
					if !strings.Contains(string(s.YAML), want) {
						t.Errorf("%s lacks %q:\n%s", s.Name, want, s.YAML)
					}
				}
				if name == "two folders" && s.Name == "coastwise-certificate.yaml" && strings.Contains(string(s.YAML), "watched_directory") {
					t.Error("one folder is watched for files of two")
				}
			}
		})
	}
}

func TestBootstrapTLSRefuses(t *testing.T) {
	for want, spoil := range map[string]func(*ServerTLS){
		"--ca: missing":            func(s *ServerTLS) { s.CA = "" },
		"--key: missing":           func(s *ServerTLS) { s.Token, s.Cert = "", "c" },
		"--cert: missing":          func(s *ServerTLS) { s.Token, s.Key = "", "k" },
		"--token-file: give it or": func(s *ServerTLS) { s.Cert, s.Key = "c", "k" },
		"--token-file: missing":    func(s *ServerTLS) { s.Token = "" },
		`--server-name: "a b" is`:  func(s *ServerTLS) { s.ServerName = "a b" },
		"--sds-dir: missing":       func(s *ServerTLS) { s.SDSDir = "" },
	} {
		o := goodOptions()
		o.TLS = byToken()
		spoil(&o.TLS)
		if _, err := Bootstrap(goodProxy(), o); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), ";") {
			t.Errorf("%v, want %q alone", err, want)
		}
	}
}

func TestGRPCBootstrapTLS(t *testing.T) {
	p := model.Proxy{ID: "shop/x", Namespace: "shop", Kind: model.GRPC}
	read := func(s ServerTLS) string {
		t.Helper()
		s.SDSDir, s.ServerName = "", ""
		var out struct {
			Servers []json.RawMessage `json:"xds_servers"`
		}
		if err := json.Unmarshal(must[[]byte](t)(GRPCBootstrap(p, "h:1", s)), &out); err != nil {
			t.Fatal(err)
		}
		return strings.Join(strings.Fields(string(out.Servers[0])), "")
	}
	for got, want := range map[string]string{
		read(byToken()): `"channel_creds":[{"type":"tls","config":{"ca_certificate_file":"/ca/ca.crt"}}],"call_creds":[{"type":"jwt_token_file","config":{"jwt_token_file":"/token/coastwise"}}]`,
		read(byCert()):  `"channel_creds":[{"type":"tls","config":{"ca_certificate_file":"/tls/ca.crt","certificate_file":"/tls/tls.crt","private_key_file":"/tls/tls.key"}}]`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s lacks %s", got, want)
		}
	}
	for want, s := range map[string]ServerTLS{
		"--server-name: means nothing": {CA: "c", Token: "t", ServerName: "x"}, "--sds-dir: means nothing": {CA: "c", Token: "t", SDSDir: "x"},
	} {
		if _, err := GRPCBootstrap(p, "h:1", s); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
