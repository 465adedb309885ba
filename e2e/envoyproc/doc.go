// Package envoyproc runs a real Envoy as a child process and reads what it
// holds through its admin port.
//
// In: a binary, a bootstrap and the admin address that the bootstrap names.
// Out: clusters, config dump, statistics. Hot restart is off, so any number of
// Envoys run side by side.
package envoyproc
