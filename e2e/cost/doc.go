// Command cost measures what many services cost the Envoy that has them all, and us:
// `make cost`. For each kind of proxy and number of services it writes a folder, serves
// it, starts one real Envoy with an empty configuration, and prints what both took until
// the Envoy had all and was quiet, what came to it, and what three updates cost after
// that: an endpoint's address, a route, a Service that comes and goes.
//
// Times are CPU of processes, from /proc, in steps of 10 ms; they depend on the machine,
// how they grow with the services does not. Nothing listens behind the endpoints: no
// request is sent.
package main
