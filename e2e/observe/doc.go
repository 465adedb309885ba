// Package observe is the table of what every honoured field does to live traffic,
// and the machinery to look at it.
//
// In: observations, each with a Service that has the field and one that has not,
// and a way to measure. Out: what was measured on both. Services whose MeshConfig
// is the same share one World: one coastwise, a few Envoys, and the Lab's
// backends, so that some hundred observations take seconds.
//
// Invariants: measuring looks at nothing but a live Envoy and its backends, and
// never at what was expected. Seen is what clients are answered and what backends
// get; where that says too little, Envoy's counters of the cluster or the options of
// its sockets; never its configuration.
package observe
