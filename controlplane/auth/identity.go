package auth

import (
	"net/http"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Identity is who a peer proved to be.
type Identity struct {
	// Namespace and ServiceAccount are never empty.
	Namespace, ServiceAccount string
	// Pod, PodUID and Node are those of a bound token, empty with a certificate; Node
	// is empty too for a Pod that has none yet.
	Pod, PodUID, Node string
}

// Reason is why a peer has no identity: the label of
// coastwise_unverified_total.
type Reason string

// Every Reason.
const (
	// NoProof: neither a certificate nor a token, or a kind of proof that is not taken.
	NoProof Reason = "no_proof"
	// BadCertificate: no SPIFFE id of the trust domain, or it is no longer valid.
	BadCertificate Reason = "certificate"
	// BadToken: malformed, expired, for another audience, or refused by the API server.
	BadToken Reason = "token"
	// NoPod: the token is good and bound to no Pod.
	NoPod Reason = "no_pod"
	// Contradiction: certificate and token are of two service accounts.
	Contradiction Reason = "contradiction"
	// CannotTell: the API server does not answer.
	CannotTell Reason = "cannot_tell"
)

func reasons() []Reason {
	return []Reason{NoProof, BadCertificate, BadToken, NoPod, Contradiction, CannotTell}
}

// Error is why a peer has no identity. It is a gRPC status: Unavailable if another
// try may succeed, Unauthenticated else.
type Error struct {
	Reason Reason
	// Message is for the peer and for the log; it holds nothing of a token.
	Message string
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// GRPCStatus lets gRPC send it as it is.
func (e *Error) GRPCStatus() *status.Status {
	if e.Reason == CannotTell {
		return status.New(codes.Unavailable, e.Message)
	}
	return status.New(codes.Unauthenticated, e.Message)
}

// HTTPStatus is its counterpart in HTTP: 503 or 401.
func (e *Error) HTTPStatus() int {
	if e.Reason == CannotTell {
		return http.StatusServiceUnavailable
	}
	return http.StatusUnauthorized
}
