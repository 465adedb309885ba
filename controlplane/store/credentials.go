package store

import (
	"reflect"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/ingest"
)

// SetCredentials says which files with secrets there are, and marks the Gateways whose
// certificates are among them. The caller must not modify it afterwards.
func (s *Store) SetCredentials(c ingest.Credentials) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if reflect.DeepEqual(s.credentials, c) {
		return
	}
	s.credentials = c
	for name, g := range s.gateways.byName {
		if showsCertificates(g) {
			s.marks.gateway(name)
		}
	}
	s.signal()
}

func showsCertificates(g *gatewayv1.Gateway) bool {
	for i := range g.Spec.Listeners {
		if tls := g.Spec.Listeners[i].TLS; tls != nil && len(tls.CertificateRefs) > 0 {
			return true
		}
	}
	return false
}
