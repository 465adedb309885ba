package auth

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"

	"github.com/spiffe/go-spiffe/v2/spiffeid"
)

// TrustDomain reads --trust-domain.
func TrustDomain(name string) (spiffeid.TrustDomain, error) {
	if strings.Contains(name, "/") {
		return spiffeid.TrustDomain{}, fmt.Errorf("%q is no trust domain: want a name as cluster.local", name)
	}
	domain, err := spiffeid.TrustDomainFromString(name)
	if err != nil {
		return spiffeid.TrustDomain{}, fmt.Errorf("%q is no trust domain: %w", name, err)
	}
	return domain, nil
}

// ofCertificate is who a client certificate names: its one URI is
// spiffe://DOMAIN/ns/NAMESPACE/sa/SERVICEACCOUNT. Whether it is signed by one whom we
// trust was seen in the handshake.
func ofCertificate(cert *x509.Certificate, domain spiffeid.TrustDomain) (Identity, error) {
	if len(cert.URIs) != 1 {
		return Identity{}, &Error{BadCertificate, fmt.Sprintf("the client certificate has %d URIs, want one SPIFFE id", len(cert.URIs))}
	}
	id, err := spiffeid.FromURI(cert.URIs[0])
	if err != nil {
		return Identity{}, &Error{BadCertificate, "the URI of the client certificate is no SPIFFE id: " + err.Error()}
	}
	if !id.MemberOf(domain) {
		return Identity{}, &Error{BadCertificate, fmt.Sprintf("the client certificate is of trust domain %q, not of %q", id.TrustDomain().Name(), domain.Name())}
	}
	path := strings.Split(id.Path(), "/")
	if len(path) != 5 || path[1] != "ns" || path[3] != "sa" {
		return Identity{}, &Error{BadCertificate, fmt.Sprintf("the SPIFFE id %q of the client certificate is not spiffe://%s/ns/NAMESPACE/sa/SERVICEACCOUNT", id, domain.Name())}
	}
	return Identity{Namespace: path[2], ServiceAccount: path[4]}, nil
}

// inHandshake refuses a certificate that gives no identity before a byte is read of
// the client; one without is judged later, where it may have a token.
func inHandshake(domain spiffeid.TrustDomain, metrics *Metrics) func(tls.ConnectionState) error {
	return func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return nil
		}
		_, err := ofCertificate(state.PeerCertificates[0], domain)
		if err != nil {
			metrics.refused(err)
		}
		return err
	}
}
