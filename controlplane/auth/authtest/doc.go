// Package authtest has, for tests alone, a CA that issues certificates, and an API
// server that reviews tokens and does nothing else.
package authtest
