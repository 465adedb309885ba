// Package admit reads one object as written and says whether it may be used.
//
// In: the bytes of one manifest, YAML or JSON. Out: a typed object, or, for a
// refused one of our kinds, the fence that holds in its place, and Problems.
// Unknown, mistyped and invalid fields refuse the object (semantics 8.1); what
// is valid but not honoured yet is a Problem, or a refusal where dropping it
// would widen or expose (8.3). It has no memory: that the last admitted form
// stays is the sources' affair. The Gateway API's kinds are held to what their CRDs
// refuse; what of them is not honoured ingest says, which knows whose they are.
package admit
