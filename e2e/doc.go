// Package e2e tests coastwise from outside: the built binary, manifests in a
// folder, real Envoys with nothing but the bootstrap that it prints, and real
// backends, each a process. What every honoured field does is in the package
// observe.
package e2e
