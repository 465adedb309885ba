// Package model holds the mesh's own words: what a service, an endpoint, a
// policy and a proxy are once Kubernetes objects have been read.
//
// In: nothing. Out: plain values. Every value is frozen once it has been
// returned by the package that made it, and every slice in it is sorted, so
// that equal worlds give equal bytes. The package imports the standard library
// only, and has no goroutine, lock, clock or logger.
package model
