// Package proc runs child processes that never outlive what started them.
//
// In: an exec.Cmd. Out: a Process that can be signalled, stopped and waited for
// by its own id, never by a name. A terminal's interrupt does not reach the
// children: whoever started them ends them, in the order that it wants.
package proc
