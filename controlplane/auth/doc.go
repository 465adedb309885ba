// Package auth says who is at the other end of a connection: TLS with files that are
// read again when they change, SPIFFE ids in client certificates, and bound
// service-account tokens that the API server reviews.
package auth
