// Command protos generates Go code from the vendored .proto files of other projects.
//
//	go run -C tools ./protos SOURCE OUT
//
// SOURCE is third_party/istio, to which imports are relative; in OUT each Go file stands
// where its .proto file does in SOURCE. It needs no protoc: the files are parsed here, and
// the generator is that of google.golang.org/protobuf.
package main
