package auth

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// Verifier says who a peer is, by its certificate, its token, or both. Each kind of
// proof is taken only if the field for it is set.
type Verifier struct {
	// Domain is the trust domain of client certificates; zero: none are taken.
	Domain spiffeid.TrustDomain
	// Tokens verifies tokens; nil: none are taken.
	Tokens *Tokens
	// Metrics counts refusals.
	Metrics *Metrics
}

// FromContext is who opened a gRPC stream, by its peer and its metadata; the error is
// an *Error.
func (v *Verifier) FromContext(ctx context.Context) (Identity, error) {
	var state *tls.ConnectionState
	if p, ok := peer.FromContext(ctx); ok {
		if info, ok := p.AuthInfo.(credentials.TLSInfo); ok {
			state = &info.State
		}
	}
	return v.verify(ctx, state, metadata.ValueFromIncomingContext(ctx, "authorization"))
}

// FromRequest is who sent an HTTP request; the error is an *Error.
func (v *Verifier) FromRequest(r *http.Request) (Identity, error) {
	return v.verify(r.Context(), r.TLS, r.Header.Values("Authorization"))
}

// Require lets only those through to next who are verified and allowed: others get
// 401, 403, or 503 where nobody can tell.
func (v *Verifier) Require(allowed func(Identity) bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := v.FromRequest(r)
		if refusal, ok := errors.AsType[*Error](err); ok {
			http.Error(w, refusal.Message, refusal.HTTPStatus())
			return
		}
		if err != nil || !allowed(id) {
			http.Error(w, "not allowed", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (v *Verifier) verify(ctx context.Context, state *tls.ConnectionState, authorization []string) (Identity, error) {
	id, err := v.judge(ctx, state, authorization)
	if err != nil {
		v.Metrics.refused(err)
	}
	return id, err
}

func (v *Verifier) judge(ctx context.Context, state *tls.ConnectionState, authorization []string) (Identity, error) {
	shown := state != nil && len(state.VerifiedChains) > 0
	switch {
	case state == nil:
		return Identity{}, &Error{NoProof, "the connection is plaintext"}
	case shown && v.Domain.IsZero():
		return Identity{}, &Error{NoProof, "client certificates are not taken"}
	case len(authorization) > 0 && v.Tokens == nil:
		return Identity{}, &Error{NoProof, "tokens are not taken: there is no API server to review them"}
	case len(authorization) > 1:
		return Identity{}, &Error{BadToken, "more than one authorization"}
	case !shown && len(authorization) == 0:
		return Identity{}, &Error{NoProof, "neither a client certificate nor a token"}
	}
	var byCert Identity
	if shown {
		cert := state.PeerCertificates[0]
		if time.Now().After(cert.NotAfter) { // a stream of a connection that is older
			return Identity{}, &Error{BadCertificate, "the client certificate has expired"}
		}
		var err error
		if byCert, err = ofCertificate(cert, v.Domain); err != nil || len(authorization) == 0 {
			return byCert, err
		}
	}
	scheme, token, ok := strings.Cut(authorization[0], " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return Identity{}, &Error{BadToken, "the authorization is not Bearer TOKEN"}
	}
	id, err := v.Tokens.Verify(ctx, strings.TrimSpace(token))
	if err != nil {
		return Identity{}, err
	}
	if shown && (id.Namespace != byCert.Namespace || id.ServiceAccount != byCert.ServiceAccount) {
		return Identity{}, &Error{Contradiction, "the client certificate and the token are of two service accounts"}
	}
	return id, nil
}

// Authorize puts the token that a file holds now into a request; files of tokens are
// replaced before these expire.
func Authorize(r *http.Request, tokenFile string) error {
	token, err := os.ReadFile(tokenFile)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	return nil
}
