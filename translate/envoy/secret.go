package envoy

import (
	"path"

	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"

	"github.com/coastwise/coastwise/translate/model"
)

// TunnelSecret is what a client is answered that asks for one of the two secrets of
// tunnels by name: the files that it claimed itself, which it watches, so that a pair
// renamed in is shown in the next handshake. Nothing secret passes us. The zero Resource
// is for other names, and for a client that claims no certificate.
//
// Envoy reads the files of a secret that it refused again only for one that differs
// (measured: e2e/ztunnel, TestFilesThatComeLater). So respelled writes the same paths in
// another way, and the answer after a refusal is the other one.
//
// It fails on a path that is not UTF-8.
func TunnelSecret(c model.Certificate, name string, respelled bool) (Resource, error) {
	if respelled {
		c.CA, c.Cert = respell(c.CA), respell(c.Cert)
	}
	var s *tlsv3.Secret
	switch {
	case c == model.Certificate{}:
		return Resource{}, nil
	case name == caSecretName:
		s = caSecret(c.CA)
	case name == certSecretName:
		s = pairSecret(c.Cert, c.Key)
	default:
		return Resource{}, nil
	}
	return encode(SecretType, name, s)
}

// TunnelSecrets are the names of the two.
func TunnelSecrets() []string { return []string{caSecretName, certSecretName} }

// respell is the same path with a step that leads nowhere.
func respell(name string) string { return path.Dir(name) + "/./" + path.Base(name) }

// ofTunnel says that a cluster or listener takes a secret of tunnels by the stream.
func ofTunnel(c *tlsv3.SdsSecretConfig) bool {
	return (c.GetName() == caSecretName || c.GetName() == certSecretName) && c.GetSdsConfig().GetAds() != nil
}
