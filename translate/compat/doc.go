// Package compat is the table of every field that users can write: what becomes
// of it, and what shows that it does.
//
// In: nothing. Out: Table, of which docs/compatibility.md is a print. Tests hold
// the table against the API types, ours and Istio's, field by field, against
// what translate/admit says, and against the resources that a client receives
// with and without each honoured field. The package imports the standard
// library only.
package compat
