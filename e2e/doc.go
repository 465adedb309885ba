// Package e2e tests coastwise from outside: the built binary, manifests in a
// folder, real Envoys with nothing but the bootstrap that it prints, and real
// backends, each a process.
package e2e
