package auth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/spiffe/go-spiffe/v2/spiffeid"
)

// lookEvery is how often the files are looked at when nobody shakes hands, so that
// the log and the figures tell in time.
const lookEvery = 5 * time.Second

// Keys are one side's TLS files. They are looked at at every handshake; what is new
// and cannot be used leaves the former in use.
type Keys struct {
	pair *watched[*tls.Certificate] // nil without a certificate
	ca   *watched[*x509.CertPool]   // nil without a CA
}

// NewKeys reads the files; the error lists every mistake (see Files.Check).
func NewKeys(f Files, log *slog.Logger) (*Keys, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	k := &Keys{}
	var err error
	if f.Cert != "" {
		if k.pair, err = newWatched("certificate", f.readPair, log, f.Cert, f.Key); err != nil {
			return nil, err
		}
	}
	if f.CA != "" {
		if k.ca, err = newWatched("ca", f.readCA, log, f.CA); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// Run looks at the files from time to time until ctx ends; it returns nil.
func (k *Keys) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			k.states()
		}
	}
}

func (k *Keys) states() []state {
	var out []state
	if k.pair != nil {
		out = append(out, k.pair.state())
	}
	if k.ca != nil {
		out = append(out, k.ca.state())
	}
	return out
}

// Server is the server's side: TLS 1.3 only, without resumption, so that every
// connection is verified by what the files say now. Clients are asked for a certificate
// if there is a CA, must have one unless they may come with a token, and are refused in
// the handshake if it has no SPIFFE id of the domain. protocols are those of ALPN.
func (k *Keys) Server(domain spiffeid.TrustDomain, tokens bool, metrics *Metrics, protocols ...string) *tls.Config {
	base := &tls.Config{MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true, NextProtos: protocols}
	base.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return k.pair.get(), nil }
	if k.ca == nil {
		return base
	}
	base.ClientAuth = tls.RequireAndVerifyClientCert
	if tokens {
		base.ClientAuth = tls.VerifyClientCertIfGiven
	}
	base.VerifyConnection = inHandshake(domain, metrics)
	base.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		c := base.Clone()
		c.GetConfigForClient = nil
		c.ClientCAs = k.ca.get()
		return c, nil
	}
	return base
}

// Client is the client's side: TLS 1.3 only; the server must show a certificate for
// serverName by the CA, and is shown ours where it asks, if that has a SPIFFE id: a
// certificate for servers only proves nothing, and would be refused.
func (k *Keys) Client(serverName string) *tls.Config {
	c := &tls.Config{
		MinVersion: tls.VersionTLS13, ServerName: serverName,
		// The roots may change: VerifyConnection takes those of now.
		InsecureSkipVerify: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			return k.verifyServer(state.PeerCertificates, serverName)
		},
	}
	if k.pair != nil {
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if pair := k.pair.get(); proves(pair) {
				return pair, nil
			}
			return &tls.Certificate{}, nil
		}
	}
	return c
}

// proves says whether a certificate can say who a client is.
func proves(pair *tls.Certificate) bool {
	leaf := pair.Leaf
	return leaf != nil && len(leaf.URIs) == 1 && leaf.URIs[0].Scheme == "spiffe" &&
		slices.ContainsFunc(leaf.ExtKeyUsage, func(u x509.ExtKeyUsage) bool { return u == x509.ExtKeyUsageClientAuth || u == x509.ExtKeyUsageAny })
}

func (k *Keys) verifyServer(certs []*x509.Certificate, name string) error {
	if k.ca == nil || name == "" || len(certs) == 0 {
		return errors.New("the server cannot be verified: no CA, no name or no certificate")
	}
	intermediates := x509.NewCertPool()
	for _, cert := range certs[1:] {
		intermediates.AddCert(cert)
	}
	_, err := certs[0].Verify(x509.VerifyOptions{
		Roots: k.ca.get(), Intermediates: intermediates, DNSName: name,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	return err
}
