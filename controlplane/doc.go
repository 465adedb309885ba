// Package controlplane wires the running server: sources admit and write the
// store, the hub publishes snapshots of it, xds streams them, admin shows it.
//
// In: a Config. Out: a server that runs until its context ends. Sources, hub and
// xds never import each other; what they say to each other goes through here.
package controlplane
