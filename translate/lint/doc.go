// Package lint says what differs from Istio for the objects that are admitted: the
// rows D1 to D15 of the design and some more, each a Rule with a stable id.
//
// In: admitted objects and the services that ingest made of them. Out: Findings,
// sorted. Problems are findings too (FromProblem): nothing that admission or
// ingest says is said again here. It is pure, and imports the API types, model,
// admit (for its table of zeros) and ingest (for how blocks and hosts are read).
package lint
