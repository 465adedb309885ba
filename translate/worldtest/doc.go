// Package worldtest draws random worlds of admitted objects for the tests: two
// namespaces with rules for each other's hosts, zones of one name in two regions,
// Nodes that are missing, hints, fences, and Services that come and go.
//
// In: a rapid.T. Out: typed objects and events on them. Used by tests only.
package worldtest
