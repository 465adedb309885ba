package envoy

import (
	"fmt"
	"slices"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	tlsinspectorv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/listener/tls_inspector/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"

	"github.com/coastwise/coastwise/translate/model"
)

// byServerName says that chains are told apart by the name in the handshake.
func byServerName(m *listenerv3.Listener) bool {
	return !slices.ContainsFunc(m.GetFilterChains(), func(c *listenerv3.FilterChain) bool { return c.GetTransportSocket() == nil })
}

// encrypted knows the one form in which a listener ends TLS: its chains are chosen by the
// name in the handshake, each name once, which only the inspector reads.
func (f *findings) encrypted(m *listenerv3.Listener) {
	names := map[string]int{}
	for i, c := range m.GetFilterChains() {
		where := fmt.Sprintf("filter_chains[%d]", i)
		if c.GetTransportSocket() == nil {
			continue
		}
		f.downstreamTLS(where+".transport_socket", c)
		if !hasInspector(m) {
			f.addf("%s: chosen by a server name that no tls_inspector reads", where)
		}
		of := c.GetFilterChainMatch().GetServerNames()
		if len(of) == 0 {
			of = []string{""}
		}
		for _, name := range of {
			if j, twice := names[name]; twice {
				f.addf("%s.filter_chain_match: server name %q is that of filter_chains[%d] too", where, name, j)
			}
			names[name] = i
		}
	}
}

func hasInspector(m *listenerv3.Listener) bool {
	return slices.ContainsFunc(m.GetListenerFilters(), func(l *listenerv3.ListenerFilter) bool {
		return l.GetTypedConfig().MessageIs(new(tlsinspectorv3.TlsInspector))
	})
}

// downstreamTLS wants a certificate out of a file of secrets, and nothing older than TLS 1.2.
func (f *findings) downstreamTLS(where string, c *listenerv3.FilterChain) {
	m := new(tlsv3.DownstreamTlsContext)
	if !f.unpack(where, c.GetTransportSocket().GetTypedConfig(), m) {
		return
	}
	common := m.GetCommonTlsContext()
	if v := common.GetTlsParams().GetTlsMinimumProtocolVersion(); v != tlsv3.TlsParameters_TLSv1_2 && v != tlsv3.TlsParameters_TLSv1_3 {
		f.addf("%s: takes TLS older than 1.2", where)
	}
	if len(common.GetTlsCertificateSdsSecretConfigs()) == 0 {
		f.addf("%s: has no certificate", where)
	}
	for _, s := range common.GetTlsCertificateSdsSecretConfigs() {
		if !ofCredential(s) {
			f.addf("%s: secret %q is not in a file of its name", where, s.GetName())
		}
	}
}

// ValidateGateway says whether a listener names no other secrets than those of the
// Gateway's own certificates.
//
// The error is an *InvalidError.
func ValidateGateway(p GatewayPort, r Resource) error {
	f := &findings{}
	m := new(listenerv3.Listener)
	if !f.decode(r, m) {
		return f.err(r)
	}
	f.secrets(m, func(c *tlsv3.SdsSecretConfig) bool {
		return slices.ContainsFunc(p.Listeners, func(l model.GatewayListener) bool {
			return slices.ContainsFunc(l.Certificates, func(own model.Credential) bool {
				return c.GetName() == own.Name && c.GetSdsConfig().GetPathConfigSource().GetPath() == own.File()
			})
		})
	})
	return f.err(r)
}
