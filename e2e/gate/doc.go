// Package gate makes a proxyless gRPC client look like an Envoy to who sends HTTP:
// each request is asked on by one call on a channel of grpc-go's own xds resolver.
//
// The program that uses it starts itself again, since a process has one bootstrap:
// its main calls Child first.
package gate
