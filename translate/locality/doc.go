// Package locality decides which endpoints come first and what may take over.
//
// In: a model.View, a model.Policy and the endpoints of one port. Out: an
// Assignment: dense priorities, sorted groups, a reason on each, and what was
// left out and why. Assign is a pure function of its arguments and of nothing
// else; its invariants are the laws in laws_test.go. It imports model only.
package locality
