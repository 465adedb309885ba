// Package ads is a client of the aggregated discovery service that does as it is
// told: it subscribes, unsubscribes, refuses and reconnects, in either encoding.
//
// In: the address of a server, a node, subscriptions. Out: what the client holds,
// and every response that it heard. It is told nothing of what it should hold, so
// it can be pointed at any server, ours or another's.
package ads
