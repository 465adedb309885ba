// Package loopback hands out addresses of 127.0.0.0/8, so that many servers with
// equal ports live on one machine, as pods do on theirs.
//
// A Block is 127.B.*.*, held by one process at a time. Needs Linux, where every
// address of 127.0.0.0/8 is local.
package loopback
