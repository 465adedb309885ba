package ztunnel

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/authority"
)

// Credential is a folder that authority.WriteIdentity has written: who one is, and
// whom one trusts. It is read for every handshake, so a rotation needs no more.
type Credential string

// Issue makes a credential for an identity, which trusts its own authority and others.
func Issue(t testing.TB, ca *authority.Authority, i authority.Identity, others ...*authority.Authority) Credential {
	t.Helper()
	dir := t.TempDir()
	if err := ca.WriteIdentity(dir, i, others...); err != nil {
		t.Fatal(err)
	}
	return Credential(dir)
}

// client is what one asks for with; expect is the identity that the other side must
// show, "" for any that the bundle vouches for.
func (c Credential) client(expect string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"h2"},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c.pair() },
		InsecureSkipVerify:   true, // by host name: verify goes by identity
		VerifyConnection:     func(s tls.ConnectionState) error { return c.verify(s, expect) },
	}
}

// server is what one answers with.
func (c Credential) server() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"h2"}, ClientAuth: tls.RequireAnyClientCert,
		GetCertificate:   func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.pair() },
		VerifyConnection: func(s tls.ConnectionState) error { return c.verify(s, "") },
	}
}

// pair waits while a rotation is between two renames.
func (c Credential) pair() (*tls.Certificate, error) {
	for deadline := time.Now().Add(2 * time.Second); ; time.Sleep(time.Millisecond) {
		pair, err := tls.LoadX509KeyPair(filepath.Join(string(c), authority.ChainFile), filepath.Join(string(c), authority.KeyFile))
		if err == nil || time.Now().After(deadline) {
			return &pair, err
		}
	}
}

func (c Credential) verify(s tls.ConnectionState, expect string) error {
	bundle, err := os.ReadFile(filepath.Join(string(c), authority.BundleFile))
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(bundle)
	leaf := s.PeerCertificates[0]
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		return err
	}
	if names := identities(leaf); len(names) != 1 || expect != "" && names[0] != expect {
		return fmt.Errorf("the certificate is of %q, not of %q", names, expect)
	}
	return nil
}

// identities are the URIs of a certificate.
func identities(leaf *x509.Certificate) []string {
	var out []string
	for _, u := range leaf.URIs {
		out = append(out, u.String())
	}
	slices.Sort(out)
	return out
}
