// Package status writes onto the users' own objects what became of them.
//
// In: the objects as the API server has them, Problems, and how far the proxies of
// all replicas are. Out: conditions, by server-side apply, and Events, on
// transitions only. Only the leader writes: the holder of the Lease coastwise in the
// namespace of the replicas.
//
// What a status should say (Wish) is a pure function. The rest is restraint:
//
//   - It is compared with what stands on the server, and only a difference is sent. Times,
//     and conditions of others, make none.
//   - It is written onto the version that was read. An object made again under its name, and
//     a status of a newer leader, are not overwritten by one who does not know them yet.
//   - Before each write the lease is looked at by this process's own clock.
//   - Proxies that are behind for some seconds, as after every change of an endpoint, do
//     not show; words alone change seldom; the same words are sent ever more slowly; so many
//     writes a second; a pause while the API server takes nothing.
//   - An Event follows a status that was written, so a new leader, or a process that starts,
//     tells nothing that stands there already. Objects without a status from us (Services,
//     Istio's) have Events only, and this process remembers which.
//
// It imports v1alpha1 and model; never the loop, xds, the store or a source.
package status
