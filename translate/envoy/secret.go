package envoy

import (
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"

	"github.com/coastwise/coastwise/translate/model"
)

// TunnelSecret is what a client is answered that asks for one of the two secrets of
// tunnels by name: the files that it claimed itself, which it watches, so that a pair
// renamed in is shown in the next handshake. Nothing secret passes us. The zero Resource
// is for other names, and for a client that claims no certificate.
//
// It fails on a path that is not UTF-8.
func TunnelSecret(c model.Certificate, name string) (Resource, error) {
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

// ofTunnel says that a cluster or listener takes a secret of tunnels by the stream.
func ofTunnel(c *tlsv3.SdsSecretConfig) bool {
	return (c.GetName() == caSecretName || c.GetName() == certSecretName) && c.GetSdsConfig().GetAds() != nil
}
