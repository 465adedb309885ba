// The demo runs coastwise as a user would: a folder of manifests, one real Envoy
// per client zone and a proxyless gRPC client, one process per endpoint, and traffic
// while zones die.
//
// It ends with exit code 0 only if every share is what `coastwise translate`
// predicted and nothing failed that should not have. layout.go, chapters.go,
// judge.go and draw.go are pure; world.go and play.go start and kill.
package main
