// Command grpcclient is a proxyless gRPC client: it finds the backends by grpc-go's
// own xds resolver, with the bootstrap that GRPC_XDS_BOOTSTRAP names, and counts
// who answered.
//
//	grpcclient --target xds:///reviews.default:80 --count 3000
//
// prints one line of JSON and ends. Without --count it keeps its channel, reads
// numbers of requests from its standard input, a line each, and prints a line of
// JSON for each.
package main
