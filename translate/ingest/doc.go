// Package ingest turns everything that is known about one service into one
// model.Service, with the policies of all clients resolved.
//
// In: Objects, admitted ones only, and the fences of refused ones. Out: a
// model.Service, immutable, every slice sorted, and Problems. It imports
// k8s.io/api, the API types and model. It has no memory: the same Objects in any
// order give the same Service.
package ingest
