// Package authority is a CA that lives for one test: it issues certificates, writes
// the secrets that coastwise reads from a --tls-dir, and SPIFFE identities as files.
package authority
