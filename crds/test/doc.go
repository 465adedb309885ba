// Package test holds the generated CRDs against what the API server does with
// them, and against translate/admit, without a server. It is a module of its own:
// the API server's packages are heavy.
package test
