// Package peers lets the replicas of one control plane ask each other how far their
// proxies are, and who is connected.
//
// Every replica answers on a listener of its own (Server, --peer); the one that
// leads keeps one long poll on each of the others (Pool) and joins what they say
// with what it knows itself. The others are found as Pods (Others). What a replica
// that is not heard holds is unknown, and Joined says so by its name.
//
// In: how this replica's own report is made, the Pods of its namespace, whether it
// leads, and how callers and servers prove who they are. Out: HTTP/1.1 with JSON.
//
// It imports the model only; never the loop, xds, the store or a source.
package peers
