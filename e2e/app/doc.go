// Package app is an application that knows nothing of proxies: this very program, run
// again under a user of its own, which connects to where it is told.
//
// In: a URL and a number of requests. Out: who answered, and what failed.
package app
