// Package ads has a client and a server of the aggregated discovery service for
// tests of others.
//
// Client does as it is told: it subscribes, unsubscribes, refuses and reconnects,
// in either encoding. In: the address of a server, a node, subscriptions. Out: what
// it holds, and every response that it heard. It is told nothing of what it should
// hold, so it can be pointed at any server, ours or another's.
//
// Server serves fixed resources and writes down what clients say to each.
package ads
