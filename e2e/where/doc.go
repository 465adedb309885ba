// Package where is the one gRPC method of the backends: it says which endpoint
// answered, and in which zone. It needs no generated code, so that clients in other
// languages can call it with a serializer of one line.
package where
