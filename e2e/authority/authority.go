package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Authority is a CA.
type Authority struct {
	// Cert is its own certificate.
	Cert *x509.Certificate

	key *ecdsa.PrivateKey
	der []byte
}

// New makes a CA that is valid for an hour.
func New(name string) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &Authority{Cert: cert, key: key, der: der}, err
}

// ForTest makes a CA for one test.
func ForTest(t testing.TB) *Authority {
	t.Helper()
	a, err := New("test CA")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Issue makes a certificate for names, as PEM of chain and key. It panics where
// the machine has no randomness.
func (a *Authority) Issue(names ...string) (chain, key []byte) {
	return a.IssueTo(Holder{Subject: pkix.Name{CommonName: names[0]}, DNS: names})
}

// Holder is whom a certificate is about.
type Holder struct {
	// Subject has the user in CommonName and the groups in Organization where
	// Kubernetes reads it.
	Subject pkix.Name
	DNS     []string
	IPs     []net.IP
	URIs    []*url.URL
}

// IssueTo makes a certificate for a holder, for servers and clients alike, as PEM of
// chain and key. It panics where the machine has no randomness.
func (a *Authority) IssueTo(h Holder) (chain, key []byte) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: h.Subject, DNSNames: h.DNS, IPAddresses: h.IPs, URIs: h.URIs,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.Cert, &k.PublicKey, a.key)
	if err != nil {
		panic(err)
	}
	bare, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		panic(err)
	}
	return encode("CERTIFICATE", der), encode("PRIVATE KEY", bare)
}

// PEM is the CA's own certificate, as a bundle of one.
func (a *Authority) PEM() []byte { return encode("CERTIFICATE", a.der) }

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// WriteCredential writes both files of a credential into dir, as docs/manual.md
// has them: who is trusted, and the certificate that is shown.
func (a *Authority) WriteCredential(dir, name string, chain, key []byte) error {
	trusted := "  validation_context:\n    trusted_ca:" + inline(encode("CERTIFICATE", a.der))
	if err := writeSecret(dir, name+"-ca", trusted); err != nil {
		return err
	}
	return writeSecret(dir, name, "  tls_certificate:\n    certificate_chain:"+inline(chain)+"    private_key:"+inline(key))
}

// WriteRoots writes the CA of a credential into dir as the system's roots are: a
// secret that names a file, bundle, as docs/manual.md has it.
func (a *Authority) WriteRoots(dir, name, bundle string) error {
	if err := os.WriteFile(bundle, encode("CERTIFICATE", a.der), 0o600); err != nil {
		return err
	}
	return writeSecret(dir, name+"-ca", "  validation_context:\n    trusted_ca: {filename: "+bundle+"}\n")
}

// WriteCertificate writes the file of the certificate that a Gateway's listener shows,
// named NAMESPACE.NAME, into dir, by a rename.
func WriteCertificate(dir, name string, chain, key []byte) error {
	return writeSecret(dir, name, "  tls_certificate:\n    certificate_chain:"+inline(chain)+"    private_key:"+inline(key))
}

func writeSecret(dir, name, body string) error {
	content := `resources:
- "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret
  name: ` + name + "\n" + body
	file := filepath.Join(dir, name+".yaml")
	if err := os.WriteFile(file+".new", []byte(content), 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

func inline(pem []byte) string {
	return "\n      inline_string: |\n        " + strings.ReplaceAll(strings.TrimSpace(string(pem)), "\n", "\n        ") + "\n"
}
