// Package backend is a small server of HTTP/1, HTTP/2 and gRPC as a process of its own, so that
// killing it is what the death of a pod is to a proxy.
//
// The program that uses it starts itself again: its main calls Child first.
// Every answer names the endpoint and its zone in headers.
package backend
