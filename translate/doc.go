// Package translate is the pure half of coastwise: objects in, Envoy's resources out.
//
//	Objects ──ingest──▶ *model.Service ───────────────────────────┐
//	(one service, its slices,    │ Select(Proxy) → PolicyID, View ▼
//	 its rules, nodes, pods)     │        Variant ─▶ locality.Assign ─▶ Assignment ─envoy─▶ Resource{type,name,version,bytes}
//	                             ▼
//
// Objects are ingested into immutable Services; each proxy selects a Policy and
// is reduced to a View; Assign(View, Policy, endpoints) decides priorities and
// weights; the result is encoded once per Variant.
//
// This package is the facade that the stream server, the CLI and the stories
// share. Nothing under it has a goroutine, lock, clock, logger, context or
// network, and nothing under it imports controlplane; arch_test.go says so.
package translate
