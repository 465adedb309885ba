// Package checkout finds the repository that a test stands in, and makes of it the
// programs that tests run: coastwise itself, and the Envoy that it pins.
//
// In: the working directory. Out: paths.
package checkout
