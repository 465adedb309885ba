package auth

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/hashicorp/go-multierror"
)

// Files are the paths of one side's TLS files; flags names them in errors.
type Files struct {
	// Cert and Key are a certificate chain and its private key, PEM.
	Cert, Key string
	// CA holds the certificates of those whom it trusts, PEM. Either may be empty: a
	// pair, or CA.
	CA string
	// CertFlag, KeyFlag and CAFlag are what the user calls them.
	CertFlag, KeyFlag, CAFlag string
}

// Check reads them all and returns every mistake, each with the flag's name.
func (f Files) Check() error {
	errs := &multierror.Error{}
	switch {
	case f.Cert != "" && f.Key == "":
		errs = multierror.Append(errs, fmt.Errorf("%s: missing: the private key of %s", f.KeyFlag, f.CertFlag))
	case f.Cert == "" && f.Key != "":
		errs = multierror.Append(errs, fmt.Errorf("%s: missing: the certificate of %s", f.CertFlag, f.KeyFlag))
	case f.Cert != "":
		if _, _, err := f.readPair(); err != nil {
			errs = multierror.Append(errs, err)
		}
	}
	if f.CA != "" {
		if _, _, err := f.readCA(); err != nil {
			errs = multierror.Append(errs, err)
		}
	}
	return errs.ErrorOrNil()
}

// readPair reads certificate and key, and until when the whole chain is valid.
func (f Files) readPair() (*tls.Certificate, time.Time, error) {
	chain, certErr := read(f.CertFlag, f.Cert)
	key, keyErr := read(f.KeyFlag, f.Key)
	if certErr != nil || keyErr != nil {
		return nil, time.Time{}, multierror.Append(nil, present(certErr, keyErr)...)
	}
	certs, err := certificates(chain)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("%s: %s: %w", f.CertFlag, f.Cert, err)
	}
	pair, err := tls.X509KeyPair(chain, key) // its errors quote neither
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("%s: %s: %w", f.KeyFlag, f.Key, err)
	}
	return &pair, earliest(certs), nil
}

func present(errs ...error) []error {
	var out []error
	for _, err := range errs {
		if err != nil {
			out = append(out, err)
		}
	}
	return out
}

// readCA reads whom to trust, and until when the first of them is valid.
func (f Files) readCA() (*x509.CertPool, time.Time, error) {
	text, err := read(f.CAFlag, f.CA)
	if err != nil {
		return nil, time.Time{}, err
	}
	certs, err := certificates(text)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("%s: %s: %w", f.CAFlag, f.CA, err)
	}
	pool := x509.NewCertPool()
	for _, cert := range certs {
		pool.AddCert(cert)
	}
	return pool, earliest(certs), nil
}

// maxFile bounds what is read of a TLS file in bytes: a bundle of all public CAs
// has a quarter of it.
const maxFile = 1 << 20

func read(flag, path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, fmt.Errorf("%s: %s: want a regular file of at most %d bytes", flag, path, maxFile)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return text, nil
}

// certificates reads all that are in a PEM file. One that ends within a block, as a
// file does that is still being written, is an error: what is there is not all.
func certificates(text []byte) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		text = rest
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(out)+1, err)
		}
		out = append(out, cert)
	}
	if len(out) == 0 {
		return nil, errors.New("no certificate in it (PEM)")
	}
	if half(text) {
		return nil, fmt.Errorf("what follows certificate %d is no PEM", len(out))
	}
	return out, nil
}

// half says that what follows the last PEM block is the beginning of another.
func half(rest []byte) bool { return bytes.Contains(rest, []byte("-----BEGIN")) }

func earliest(certs []*x509.Certificate) time.Time {
	first := certs[0].NotAfter
	for _, cert := range certs[1:] {
		if cert.NotAfter.Before(first) {
			first = cert.NotAfter
		}
	}
	return first
}
