// Package files is the source that reads manifests from files and folders: once
// for translate and the stories, and watched for serve. There is no other loader.
//
// In: paths, of files or of folders (their .yaml, .yml and .json files, not
// recursive, hidden ones skipped), each with any number of documents. Out:
// admitted objects and fences, written to the store, one Apply per reload, and the
// Problems of files, documents and objects under the source name "files".
//
// Invariants (semantics 8.1, 8.2): a refused edit changes nothing, the last
// admitted form stays; a document that does not parse deletes nothing that its
// file gave; of one object given twice the first path wins, and the other takes
// over when the first goes. All memory of that is in set, which is pure.
//
// What watching sees of a file written in place depends on when it looks. Who
// writes a file beside it and renames it is never seen half-way.
//
// It imports admit, model and store; never the loop, xds or another source.
package files
