package controlplane

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"google.golang.org/grpc/credentials"
	authenticationv1 "k8s.io/client-go/kubernetes/typed/authentication/v1"

	"github.com/coastwise/coastwise/controlplane/auth"
	"github.com/coastwise/coastwise/controlplane/kube"
	"github.com/coastwise/coastwise/controlplane/status"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/controlplane/xds"
	"github.com/coastwise/coastwise/translate/ingest"
)

// What counts where nothing is said.
const (
	DefaultTrustDomain = "cluster.local"
	DefaultAudience    = "coastwise"
	ownAccount         = "coastwise"
	// DefaultNamespace is that of deploy/.
	DefaultNamespace = status.DefaultNamespace
)

// Reviews of tokens a second that the API server is asked for: as many as new streams
// are served (reference/xds.md 8).
const (
	reviewRate  = 300
	reviewBurst = 300
)

// ClientsConfig says how clients of the xDS port are verified; the zero value is
// not at all, which only loopback allows.
type ClientsConfig struct {
	// Cert, Key and CA are paths of PEM files: the server's certificate and key, and
	// who signs those of clients. CA may be empty.
	Cert, Key, CA string
	// Insecure allows plaintext, and nobody verified, beyond loopback.
	Insecure bool
	// TrustDomain is that of clients' SPIFFE ids, Audience that of their tokens; empty
	// for the defaults.
	TrustDomain, Audience string
}

func (c ClientsConfig) files() auth.Files {
	return auth.Files{
		Cert: c.Cert, Key: c.Key, CA: c.CA,
		CertFlag: "--tls-cert", KeyFlag: "--tls-key", CAFlag: "--client-ca",
	}
}

func (c ClientsConfig) tls() bool { return c.Cert != "" || c.Key != "" }

// clientMistakes are what is wrong with the xDS port and who is let in.
func (c Config) clientMistakes() []error {
	k := c.Clients
	errs := k.mistakes(c.Kube.given())
	err := loopback(c.XDS)
	switch {
	case errors.Is(err, errBeyond) && (k.tls() || k.Insecure):
	case errors.Is(err, errBeyond):
		errs = append(errs, fmt.Errorf("--xds: %w: beyond it give --tls-cert and --tls-key, or --insecure for plaintext and clients that nobody verifies", err))
	case err != nil:
		errs = append(errs, fmt.Errorf("--xds: %w", err))
	}
	return errs
}

// mistakes are what is wrong with the flags; api says whether an API server reviews
// tokens.
func (c ClientsConfig) mistakes(api bool) []error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if err := c.files().Check(); err != nil {
		errs = append(errs, errorsIn(err)...)
	}
	if c.Insecure && (c.tls() || c.CA != "") {
		add("--insecure: contradicts --tls-cert, --tls-key and --client-ca: the xDS port is plaintext or it is not")
	}
	if c.CA != "" && !c.tls() {
		add("--client-ca: needs --tls-cert and --tls-key")
	}
	if c.tls() && c.CA == "" && !api {
		add("--tls-cert: nobody could be verified: give --client-ca, or an API server that reviews tokens")
	}
	if c.TrustDomain != "" && c.CA == "" {
		add("--trust-domain: means nothing without --client-ca")
	} else if _, err := c.domain(); err != nil {
		add("--trust-domain: %w", err)
	}
	if c.Audience != "" && (!c.tls() || !api) {
		add("--token-audience: means nothing without --tls-cert and an API server that reviews tokens")
	}
	return errs
}

// errorsIn are the errors of a list, or the one error.
func errorsIn(err error) []error {
	if list, ok := errors.AsType[interface {
		error
		WrappedErrors() []error
	}](err); ok {
		return list.WrappedErrors()
	}
	return []error{err}
}

func (c ClientsConfig) domain() (spiffeid.TrustDomain, error) {
	return auth.TrustDomain(cmp.Or(c.TrustDomain, DefaultTrustDomain))
}

// clients is how the clients of one server are verified: keys and verifier are nil
// where the port is plaintext.
type clients struct {
	keys     *auth.Keys
	verifier *auth.Verifier
	metrics  *auth.Metrics
}

// newClients reads the TLS files.
func (c Config) newClients() (*clients, error) {
	k := c.Clients
	if !k.tls() {
		if err := loopback(c.XDS); errors.Is(err, errBeyond) {
			c.Log.Warn("--insecure: everybody who reaches the xDS port can read the mesh and claim any place in it", "xds", c.XDS)
		}
		return &clients{}, nil
	}
	keys, err := auth.NewKeys(k.files(), c.Log)
	if err != nil {
		return nil, err
	}
	s := &clients{keys: keys, metrics: auth.NewMetrics()}
	s.verifier = &auth.Verifier{Metrics: s.metrics}
	if k.CA != "" {
		if s.verifier.Domain, err = k.domain(); err != nil {
			return nil, fmt.Errorf("--trust-domain: %w", err)
		}
	}
	if c.Kube.given() {
		s.verifier.Tokens, err = c.tokens(s.metrics)
	}
	return s, err
}

// tokens asks the API server at a rate of its own: the watches shall not wait for it.
func (c Config) tokens(m *auth.Metrics) (*auth.Tokens, error) {
	api, err := kube.Connect(c.Kube.Kubeconfig, c.Kube.Context)
	if err != nil {
		return nil, err
	}
	api.QPS, api.Burst = reviewRate, reviewBurst
	client, err := authenticationv1.NewForConfig(api)
	if err != nil {
		return nil, fmt.Errorf("reviewing tokens: %w", err)
	}
	return auth.NewTokens(client.TokenReviews(), cmp.Or(c.Clients.Audience, DefaultAudience), c.Log, m), nil
}

// secure adds to what the stream server is told who is let in.
func (s *clients) secure(c xds.Config) xds.Config {
	if s.keys == nil {
		return c
	}
	c.Credentials = credentials.NewTLS(s.keys.Server(s.verifier.Domain, s.verifier.Tokens != nil, s.metrics, "h2"))
	c.Verify = func(ctx context.Context) (xds.Verified, error) {
		id, err := s.verifier.FromContext(ctx)
		return xds.Verified(id), err
	}
	return c
}

func (s *clients) collectors() []prometheus.Collector {
	if s.keys == nil {
		return nil
	}
	return append(s.metrics.Collectors(), s.keys)
}

// parts follow the TLS files.
func (s *clients) parts(ctx context.Context) []part {
	if s.keys == nil {
		return nil
	}
	return []part{{"TLS files", func() error { return s.keys.Run(ctx) }}}
}

// isOwn says whether a client is coastwise itself: another replica, or one who may act
// as it.
func (c Config) isOwn(v xds.Verified) bool {
	return v.Namespace == cmp.Or(c.Replica.Namespace, DefaultNamespace) && v.ServiceAccount == ownAccount
}

// gatewayNameLabel is the Gateway API's, on the Pods of a Gateway.
const gatewayNameLabel = "gateway.networking.k8s.io/gateway-name"

// podsOf looks up what the proof of a client must agree with.
func podsOf(st *store.Store) func(namespace, name string) (xds.Pod, bool) {
	return func(namespace, name string) (xds.Pod, bool) {
		pod := st.Pod(ingest.PodName{Namespace: namespace, Name: name})
		if pod == nil {
			return xds.Pod{}, false
		}
		return xds.Pod{UID: string(pod.UID), ServiceAccount: pod.Spec.ServiceAccountName, Gateway: pod.Labels[gatewayNameLabel]}, true
	}
}
