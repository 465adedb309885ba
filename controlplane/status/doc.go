// Package status writes onto the users' own objects what became of them.
//
// In: the objects as the API server has them, Problems, and how far the proxies of
// all replicas are. Out: conditions, by server-side apply, and Events, on
// transitions only. Only the leader writes.
package status
