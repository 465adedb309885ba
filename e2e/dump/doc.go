// Package dump compares the resources that an Envoy holds with those that translate
// prints: in, the two texts; out, where they differ.
package dump
