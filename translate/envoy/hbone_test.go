package envoy

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	tcpproxyv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
)

const idA, idB = "spiffe://cluster.local/ns/default/sa/a", "spiffe://cluster.local/ns/default/sa/b"

// tunnelled is reviews behind ztunnels: port 80 HTTP with a plain endpoint beside, 9000 TCP.
func tunnelled() (*model.Service, locality.Assignment) {
	s := reviews(plain())
	s.Namespace = "default"
	s.Ports[0].Protocol = model.ProtocolHTTP
	s.Ports[0].Endpoints[0].HBONE, s.Ports[0].Endpoints[0].Identity = true, idA
	s.Ports[1].Protocol = model.ProtocolTCP
	s.Ports[1].Endpoints = []model.Endpoint{
		{Address: "10.0.0.1", Port: 8080, HBONE: true, Identity: idA}, {Address: "10.0.0.2", Port: 8080, HBONE: true, Identity: idB},
	}
	a := locality.Assignment{OverprovisioningFactor: 140, Groups: []locality.Group{{Weight: 2, Endpoints: []locality.Endpoint{
		{Address: "10.0.0.1", Additional: []string{"fd00::1"}, Port: 8080, Weight: 1, Healthy: true, HBONE: true, Identity: idA},
		{Address: "10.0.0.2", Port: 8080, Weight: 1, Healthy: true},
	}}}}
	return s, a
}

var atHBONE = model.View{Form: model.HBONE}

func TestEndpointsBehindZtunnels(t *testing.T) {
	s, a := tunnelled()
	v := model.Variant{Port: 80, View: atHBONE}
	r := must[Resource](t)(LoadAssignment(s, v, a))
	if err := ValidateFor(model.HBONE, r); err != nil {
		t.Fatal(err)
	}
	if err := ValidateWithin(s, v, r); err != nil {
		t.Fatal(err)
	}
	expect(t, Validate(r), "not a socket address") // to nobody else
	m := decoded(t, r, new(cla))
	first, second := m.Endpoints[0].LbEndpoints[0], m.Endpoints[0].LbEndpoints[1]
	in := first.GetEndpoint().GetAddress().GetEnvoyInternalAddress()
	if in.GetServerListenerName() != ConnectOriginate || in.GetEndpointId() != "10.0.0.1:8080" || len(first.GetEndpoint().GetAdditionalAddresses()) > 0 {
		t.Errorf("%v", first)
	}
	if got := identityOf(first); got != idA {
		t.Errorf("identity %q", got)
	}
	if at := second.GetEndpoint().GetAddress().GetSocketAddress(); at.GetAddress() != "10.0.0.2" || at.GetPortValue() != 8080 {
		t.Errorf("the plain endpoint is at %v", at)
	}
	for _, tt := range []spoilt[*cla]{
		{"listener", func(m *cla) {
			m.Endpoints[0].LbEndpoints[0].GetEndpoint().Address = internalAddress("x", "10.0.0.1:8080")
		}, `leads to listener "x"`},
		{"id", func(m *cla) {
			m.Endpoints[0].LbEndpoints[0].GetEndpoint().Address = internalAddress(ConnectOriginate, "a:1")
		}, "is not IP:PORT"},
		{"elsewhere", func(m *cla) {
			m.Endpoints[0].LbEndpoints[0].Metadata.FilterMetadata[originalDstMeta] = word("local", "10.0.0.9:1")
		}, "does not say where"},
		{"no identity", func(m *cla) { delete(m.Endpoints[0].LbEndpoints[0].Metadata.FilterMetadata, MetadataKey) }, "no identity"},
		{"twice", func(m *cla) { m.Endpoints[0].LbEndpoints[1].GetEndpoint().Address = socketAddress("10.0.0.1", 8080) }, "stands twice"},
	} {
		m := decoded(t, r, new(cla))
		tt.spoil(m)
		expect(t, ValidateFor(model.HBONE, must[Resource](t)(encode(EndpointType, r.Name, m))), tt.want)
	}
	m.Endpoints[0].LbEndpoints[0].Metadata.FilterMetadata[MetadataKey] = word(identityKey, idB)
	expect(t, ValidateWithin(s, v, must[Resource](t)(encode(EndpointType, r.Name, m))), "has the identity")
}

// A direct tunnel leads to the ztunnel's port, and to nobody but the endpoint's identity.
func TestDirectTunnels(t *testing.T) {
	s, a := tunnelled()
	a.Groups[0].Endpoints[1].HBONE, a.Groups[0].Endpoints[1].Identity = true, idB
	v := model.Variant{Port: 9000, View: atHBONE}
	r := must[Resource](t)(Tunnel(s, v))
	c := decoded(t, r, new(clusterv3.Cluster))
	if err := ValidateFor(model.HBONE, r); err != nil {
		t.Fatal(err)
	}
	if c.Name != "outbound-hbone|9000||reviews.default.svc.cluster.local" || len(c.TransportSocketMatches) != 2 {
		t.Errorf("%v", c)
	}
	endpoints := must[Resource](t)(TunnelAssignment(s, v, a))
	if err := ValidateWithin(s, v, endpoints); err != nil {
		t.Fatal(err)
	}
	m := decoded(t, endpoints, new(cla))
	for i, want := range []string{idA, idB} {
		if e := m.Endpoints[0].LbEndpoints[i]; e.GetEndpoint().GetAddress().GetSocketAddress().GetPortValue() != 15008 || identityOf(e) != want {
			t.Errorf("%v", e)
		}
	}
	for name, spoil := range map[string]func(*clusterv3.Cluster){
		"lets others in": func(m *clusterv3.Cluster) {
			m.TransportSocketMatches[0].TransportSocket = socket(tlsSocket, &tlsv3.UpstreamTlsContext{CommonTlsContext: hboneTLS("", idB)})
		},
		"whoever has a certificate": func(m *clusterv3.Cluster) {
			m.TransportSocket = socket(tlsSocket, &tlsv3.UpstreamTlsContext{CommonTlsContext: hboneTLS("")})
		},
		"no TLS":         func(m *clusterv3.Cluster) { m.TransportSocket = hop(nil) },
		"is not allowed": func(m *clusterv3.Cluster) { m.TransportSocket = tlsFromSDS("/etc/other.yaml") },
	} {
		bad := decoded(t, r, new(clusterv3.Cluster))
		spoil(bad)
		expect(t, ValidateFor(model.HBONE, must[Resource](t)(encode(ClusterType, r.Name, bad))), name)
	}
	if r := must[Resource](t)(Tunnel(s, model.Variant{Port: 9000})); r.Name != "" {
		t.Error("a sidecar has a tunnel")
	}
	if r := must[Resource](t)(Tunnel(s, model.Variant{Port: 80, View: atHBONE})); r.Name != "" {
		t.Error("HTTP has a direct tunnel")
	}
}

func tlsFromSDS(file string) *corev3.TransportSocket {
	c := hboneTLS("", idA)
	c.TlsCertificateSdsSecretConfigs[0] = secret("other", file)
	return socket(tlsSocket, &tlsv3.UpstreamTlsContext{CommonTlsContext: c})
}

// An ordinary cluster of the form lets the endpoint's metadata cross the hop, and no other
// cluster asks the stream for secrets.
func TestClusterByHop(t *testing.T) {
	s, a := tunnelled()
	r := must[Resource](t)(Cluster(s, model.Variant{Port: 80, View: atHBONE}, a))
	if err := ValidateFor(model.HBONE, r); err != nil {
		t.Fatal(err)
	}
	bad := decoded(t, r, new(clusterv3.Cluster))
	bad.TransportSocket = hop(nil, MetadataKey)
	expect(t, ValidateFor(model.HBONE, must[Resource](t)(encode(ClusterType, r.Name, bad))), "address and identity")
	bad.TransportSocket = socket(tlsSocket, &tlsv3.UpstreamTlsContext{CommonTlsContext: hboneTLS("", idA)})
	expect(t, Validate(must[Resource](t)(encode(ClusterType, r.Name, bad))), "is not allowed")
}

func TestHBONEFixtures(t *testing.T) {
	for _, name := range []string{MainInternal, ConnectOriginate} {
		if err := Validate(must[Resource](t)(HBONECluster(name, "cluster.local"))); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{ConnectTerminate, ConnectOriginate} {
		if err := Validate(must[Resource](t)(HBONEListener(name, "127.0.0.1", 15008, "cluster.local"))); err != nil {
			t.Error(err)
		}
	}
	if _, err := HBONEListener(ConnectTerminate, "x", 1, "d"); err == nil {
		t.Error("a bind address that is no IP")
	}
	r := must[Resource](t)(HBONEListener(ConnectTerminate, "127.0.0.1", 15008, "example.org"))
	if !strings.Contains(string(r.Body), "spiffe://example.org/") {
		t.Error("clients of every trust domain are let in")
	}
	for want, spoil := range map[string]func(*tlsv3.DownstreamTlsContext){
		"clients without a certificate": func(c *tlsv3.DownstreamTlsContext) { c.RequireClientCertificate = wrapperspb.Bool(false) },
		"not TLS 1.3":                   func(c *tlsv3.DownstreamTlsContext) { c.CommonTlsContext.TlsParams = nil },
		"whoever has a certificate": func(c *tlsv3.DownstreamTlsContext) {
			c.CommonTlsContext.GetCombinedValidationContext().DefaultValidationContext.MatchTypedSubjectAltNames = nil
		},
	} {
		m := decoded(t, r, new(listenerv3.Listener))
		c := new(tlsv3.DownstreamTlsContext)
		if err := m.FilterChains[0].TransportSocket.GetTypedConfig().UnmarshalTo(c); err != nil {
			t.Fatal(err)
		}
		spoil(c)
		m.FilterChains[0].TransportSocket = socket(tlsSocket, c)
		expect(t, Validate(must[Resource](t)(encode(ListenerType, r.Name, m))), want)
	}
	m := decoded(t, must[Resource](t)(HBONEListener(ConnectOriginate, "", 0, "")), new(listenerv3.Listener))
	m.FilterChains[0].Filters = m.FilterChains[0].Filters[1:]
	expect(t, Validate(must[Resource](t)(encode(ListenerType, ConnectOriginate, m))), "not pinned")
}

// TCP whose endpoints all have a ztunnel goes straight into tunnels, and only where the
// tunnels end here.
func TestChainsIntoTunnels(t *testing.T) {
	s, _ := tunnelled()
	s.VIPs = []string{"10.96.0.1"}
	chains := []Chain{{Service: s, Port: 9000, VIPs: s.VIPs}}
	for tunnels, want := range map[bool]string{true: "outbound-hbone|9000||" + s.Host, false: "outbound|9000||" + s.Host} {
		r := must[Resource](t)(Entrance{Name: MainInternal, Authority: true, Tunnels: tunnels}.Listener(chains))
		if err := Validate(r); err != nil {
			t.Error(err)
		}
		m, tcp := decoded(t, r, new(listenerv3.Listener)), new(tcpproxyv3.TcpProxy)
		if err := m.FilterChains[0].Filters[0].GetTypedConfig().UnmarshalTo(tcp); err != nil {
			t.Fatal(err)
		}
		if tcp.GetCluster() != want || tunnels != (tcp.GetTunnelingConfig().GetHostname() == s.Host+":9000") {
			t.Errorf("%v", tcp)
		}
	}
}

// At an HBONE waypoint requests of safe methods are repeated after a reset too, elsewhere.
func TestRetriesBehindZtunnels(t *testing.T) {
	s, _ := tunnelled()
	of := func(form model.Form) []*routev3.Route {
		r := must[Resource](t)(PortRoutes(s, 80, 0, form))
		if err := Validate(r); err != nil {
			t.Error(err)
		}
		return decoded(t, r, new(routev3.RouteConfiguration)).VirtualHosts[0].Routes
	}
	resets := func(r *routev3.Route) bool {
		return slices.Contains(strings.Split(r.GetRoute().GetRetryPolicy().GetRetryOn(), ","), "reset")
	}
	if plain := of(model.Plain); len(plain) != 1 || resets(plain[0]) {
		t.Errorf("%v", plain)
	}
	split := of(model.HBONE)
	if len(split) != 2 || !resets(split[0]) || len(split[0].Match.Headers) != 1 || split[0].GetRoute().RetryPolicy.RetryPriority == nil || resets(split[1]) {
		t.Errorf("%v", split)
	}
	s.Ports[0].Protocol = model.ProtocolGRPC
	if grpc := of(model.HBONE); len(grpc) != 1 || resets(grpc[0]) {
		t.Errorf("gRPC: %v", grpc)
	}
}

// The client gets the paths that it claimed, and nobody else does.
func TestTunnelSecrets(t *testing.T) {
	c := model.Certificate{CA: "/run/ca.pem", Cert: "/run/cert.pem", Key: "/run/key.pem"}
	pair := decoded(t, must[Resource](t)(TunnelSecret(c, certSecretName, false)), new(tlsv3.Secret)).GetTlsCertificate()
	if pair.GetPrivateKey().GetFilename() != c.Key || pair.GetCertificateChain().GetFilename() != c.Cert || pair.GetWatchedDirectory().GetPath() != "/run" {
		t.Errorf("%v", pair)
	}
	ca := decoded(t, must[Resource](t)(TunnelSecret(c, caSecretName, false)), new(tlsv3.Secret)).GetValidationContext()
	if ca.GetTrustedCa().GetFilename() != c.CA || ca.GetWatchedDirectory().GetPath() != "/run" {
		t.Errorf("%v", ca)
	}
	again := decoded(t, must[Resource](t)(TunnelSecret(c, certSecretName, true)), new(tlsv3.Secret)).GetTlsCertificate()
	if name := again.GetCertificateChain().GetFilename(); name == c.Cert || filepath.Clean(name) != c.Cert || again.GetWatchedDirectory().GetPath() != "/run" {
		t.Errorf("respelled: %v", again)
	}
	root := decoded(t, must[Resource](t)(TunnelSecret(c, caSecretName, true)), new(tlsv3.Secret)).GetValidationContext()
	if name := root.GetTrustedCa().GetFilename(); name == c.CA || filepath.Clean(name) != c.CA {
		t.Errorf("respelled: %v", root)
	}
	for _, none := range []Resource{must[Resource](t)(TunnelSecret(c, tokenSecretName, false)), must[Resource](t)(TunnelSecret(model.Certificate{}, caSecretName, false))} {
		if none.Name != "" {
			t.Errorf("%+v", none)
		}
	}
}

// bootstrap says of a waypoint's certificate where it is; others claim none.
func TestCertificateClaim(t *testing.T) {
	c := model.Certificate{CA: "/ca", Cert: "/cert", Key: "/key"}
	p := model.Proxy{ID: "a/w", Namespace: "a", Kind: model.Waypoint, Gateway: "a/w", Bind: "127.0.0.1", Certificate: c}
	if got := must[model.Proxy](t)(ProxyFromNode(encodeNode(p))); got.Certificate != c {
		t.Errorf("%+v", got)
	}
	files := ServerTLS{CA: c.CA, Cert: c.Cert, Key: c.Key}
	if files.certificate(model.Waypoint) != c || files.certificate(model.Sidecar) != (model.Certificate{}) || (ServerTLS{CA: "/ca", Token: "/t"}).certificate(model.Waypoint) != (model.Certificate{}) {
		t.Error("whose certificate is claimed")
	}
	for want, spoil := range map[string]func(*model.Proxy){
		"certificate.key: missing":          func(p *model.Proxy) { p.Certificate.Key = "" },
		"is not the path of a file":         func(p *model.Proxy) { p.Certificate.CA = "/a\nb" },
		"certificate: is for kind waypoint": func(p *model.Proxy) { p.Kind, p.Gateway = model.Sidecar, "" },
	} {
		bad := p
		spoil(&bad)
		if _, err := ProxyFromNode(encodeNode(bad)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
