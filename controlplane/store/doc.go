// Package store holds every admitted object once, indexed by the services that
// use it.
//
// In: Changes, written by the sources, and the process's own flags: files by Apply, the API
// server by ApplyAPI. Where both give one object the file's counts, which the operator
// gave by hand; the other is shadowed (Problem DuplicateObject) and acts when the file
// drops its own. A refused object of a file counts as given only by its fence.
// Out: for one service all that is known about it (ingest.Objects), and the set of
// services that changes have touched since the last Take.
//
// Invariants: what the store holds is a function of the last Change of each
// object by each source, in whatever order and batches they came. A key whose Objects differ in
// anything that ingest reads is in the marks. Marks are a set, so that writing
// never blocks and repeating a Change is free. Objects are never modified. The cost of Objects and of a
// Change is that of the services it touches, not of the mesh.
//
// It imports the API types, ingest and model; never a source, the loop or xds.
package store
