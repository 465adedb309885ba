// Package xds speaks the xDS protocol to proxies: one aggregated stream each.
//
// In: requests of clients, and Updates of a Hub: the newest Source with a hint
// of what may differ. Out: responses, refusals, figures.
//
// Stream is the protocol: a pure state machine without I/O, goroutine, lock or
// clock. Everything it does follows from Step(Event), so its rules are scripts
// in testdata. It keeps what the client holds resource by resource and returns
// responses as resources and removed names; writing these as a delta response
// is the server's part. State of the world is a second way of reading requests
// and writing responses of the same state (whole.go).
//
// Server is the gRPC side: three goroutines per stream (the handler waits and
// watches, a reader receives, an owner steps and sends), no queue and no channel
// deeper than one. A slow client skips versions and holds up nobody else.
//
// A stream takes from its Member under the lock that guards its machine, so that its
// Progress, with what waits in the Member, misses nothing. The Hub's own lock is never
// held with it: Watch, WatchAll and Leave are called without, and so is Observe's
// function.
//
// The package imports no source of objects and nothing that changes a Snapshot.
package xds
