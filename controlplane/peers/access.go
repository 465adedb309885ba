package peers

import (
	"crypto/tls"
	"errors"
	"net/http"
)

// Access is how replicas prove to each other who they are. The zero value is
// plaintext and anybody.
type Access struct {
	// Server and Client are the two ends of TLS; nil is plaintext.
	Server, Client *tls.Config
	// Authorize refuses callers that are not of this control plane.
	Authorize func(*http.Request) error
	// Token is what the others are called with; nil if a certificate is enough.
	Token func() (string, error)
}

// Check says what is missing where others than this machine reach the port.
func (a Access) Check() error {
	switch {
	case a.Server == nil || a.Client == nil:
		return errors.New("it would be plaintext")
	case a.Authorize == nil:
		return errors.New("its callers would not be verified")
	}
	return nil
}
