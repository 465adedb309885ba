// Package authority is a CA that lives for one test: it issues certificates and
// writes the secrets that coastwise reads from a --tls-dir.
package authority
