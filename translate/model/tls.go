package model

import "path"

// TLS encrypts connections (reference/destination-rule.md 2.7). What it verifies
// is the certificate of an endpoint, never of a client (semantics 9.1).
type TLS struct {
	// Credential names the secret with the client's certificate, CASecret that with
	// the CA; each has its file in Dir, since Envoy takes one secret of a file. Both
	// are empty where nothing is verified or shown.
	Credential string
	Dir        string
	// Mutual shows the client's certificate.
	Mutual bool
	// SkipVerify accepts any certificate.
	SkipVerify bool
	// SubjectAltNames are those of which the endpoint's certificate must have one,
	// sorted; without any, and without SNI, it must have the request's host.
	SubjectAltNames []string
	// SNI is what the client says; empty is the request's host.
	SNI string
}

// CASecret is the secret with the CA of a credential.
func (t TLS) CASecret() string { return t.Credential + "-ca" }

// File is that of a secret.
func (t TLS) File(secret string) string { return path.Join(t.Dir, secret+".yaml") }

// ProxyProtocol is a version of the PROXY header.
type ProxyProtocol string

// The versions.
const (
	NoProxyProtocol ProxyProtocol = ""
	ProxyProtocolV1 ProxyProtocol = "V1"
	ProxyProtocolV2 ProxyProtocol = "V2"
)

// Tunnel asks the endpoint, which is an HTTP proxy, to connect to Target
// (reference/destination-rule.md 2.8).
type Tunnel struct {
	// Post asks by POST instead of CONNECT.
	Post bool
	// Target is HOST:PORT, an IPv6 address in brackets.
	Target string
}
