package model

// TLS encrypts connections (reference/destination-rule.md 2.7). What it verifies
// is the certificate of an endpoint, never of a client (semantics 9.1).
type TLS struct {
	// Credential names the secrets that File has: that of the client's certificate,
	// and CASecret for the CA. Both are empty where nothing is verified or shown.
	Credential string
	File       string
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

// ProxyProtocol is a version of the PROXY header.
type ProxyProtocol string

// The versions.
const (
	NoProxyProtocol ProxyProtocol = ""
	ProxyProtocolV1 ProxyProtocol = "V1"
	ProxyProtocolV2 ProxyProtocol = "V2"
)
