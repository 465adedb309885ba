// Package coastwise runs the real coastwise binary: serve as a child process,
// bootstrap and translate as commands whose output is read.
//
// In: the binary's path, folders of manifests and client flags. Out: what the
// binary printed, parsed by its contract. Nothing here knows how it decides.
package coastwise
