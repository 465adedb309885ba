// Package snapshot keeps the whole mesh at one revision and publishes the next.
//
// In: what is dirty in the store, and the proxies that join. Out: immutable
// Snapshots, and for each stream a View of the newest one and the names that may
// differ since it last looked.
//
// There is one writer, the Hub under its mutex: it rebuilds the dirty services and
// Gateways, re-selects each proxy class that sees them, encodes and validates what comes
// out, and only then publishes. What a class sees of a service is encoded once
// per Variant and hangs off the service's Entry; replacing the entry drops it, so
// there is no invalidation code.
//
// A change is read from publish on. An endpoint: rebuildAll makes a new Entry of its
// service, compareAll marks the clusters that differ for each Member, wake wakes their
// streams, and View.Get gives them the bytes. A route is of its service's Entry too
// (Entry.portRoutes) where its parent is a Service; since it changes the service's shape,
// rescope makes the ScopeSets of those who see it anew, by which their listeners and
// route tables come (entrances, explicitListeners, scopeRoutes). Where its parent is a
// Gateway, regateway makes a new GatewayEntry, of which edgeResources are. refront and
// linger say which waypoints have a service's clusters without being its own.
//
// ztunnels have a table of Workloads beside the Entries, made of the same services by
// package workload: workloadIndex notes what hangs on what, and makes anew only that.
//
// Bulk work, which a lone MeshConfig or Node of the API server brings, is published in
// slices, so that the change of one service does not wait behind it: until its turn a
// service stays whole in its former form. Other changes, and the first publish, come
// at once.
//
// How far the proxies are (Rollouts) is asked, not kept: what a Snapshot changed is
// with the Member until its stream takes it, and with the stream until the proxy has
// answered. Locks are taken in this order: the Hub's, or a stream's own, which never
// meet; then a Member's, an Entry's.
//
// Invariants: a published Snapshot, Entry.Service and Resource are never
// modified. The index only wakes: what a stream sends is decided against the
// View, so a missed or spurious wake is never wrong data. The package imports
// translate and controlplane/store, never xds or a source.
package snapshot
