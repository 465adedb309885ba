// Package admin is what operators see of a running server over HTTP: health,
// metrics and the connected proxies, and, on a port of its own that is off by
// default, what each proxy was sent.
//
// In: functions that answer from the running parts. Out: http.Handlers. It holds
// no state and imports neither a source nor xds.
package admin
