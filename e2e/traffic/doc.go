// Package traffic sends HTTP requests through a proxy port and counts who
// answered.
//
// In: an address and a Host header. Out: a Tally for each Phase. A request
// counts in the phase in which it was sent. Connections are kept alive and the
// number of workers is fixed; each has at most one request in flight.
package traffic
