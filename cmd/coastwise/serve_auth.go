package main

import (
	"github.com/spf13/cobra"

	"github.com/coastwise/coastwise/controlplane"
)

// authUsage is the part of serve's help about clients.
const authUsage = `Beyond loopback clients are verified: --tls-cert and --tls-key make the xDS port
TLS 1.3, and a client shows a certificate that --client-ca signed, with the URI
spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICEACCOUNT, or a service-account token that
is bound to its Pod, which the API server reviews. What it claims must agree. The
files are read again when they change. --insecure instead leaves the port open to all.`

// authFlags are the flags of serve about clients.
type authFlags struct{ clients controlplane.ClientsConfig }

func (f *authFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.clients.Cert, "tls-cert", "", "certificate chain of the xDS port, PEM")
	flags.StringVar(&f.clients.Key, "tls-key", "", "private key of --tls-cert, PEM")
	flags.StringVar(&f.clients.CA, "client-ca", "", "who signs the certificates of clients, PEM")
	flags.StringVar(&f.clients.TrustDomain, "trust-domain", "", "trust domain of clients' SPIFFE ids (default "+controlplane.DefaultTrustDomain+")")
	flags.StringVar(&f.clients.Audience, "token-audience", "", "audience of clients' tokens (default "+controlplane.DefaultAudience+")")
	flags.BoolVar(&f.clients.Insecure, "insecure", false, "serve plaintext beyond loopback, and verify nobody")
	completeNothing(cmd, "trust-domain", "token-audience")
}
