// Package auth says who is at the other end of a connection.
//
// In: TLS files, which are looked at again at every handshake, client certificates
// with a SPIFFE id, and service-account tokens bound to a Pod, which the API server
// reviews. Out: an Identity, or an *Error that says why there is none; tls.Configs
// for both sides of a connection; figures.
//
// A token is in no log line, no error and no figure: only its hash is kept. What a
// client claims beside its proof is not looked at here.
//
// The package imports none of ours.
package auth
