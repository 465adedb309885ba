// Package waypoint has the scenes of waypoints: the built coastwise, a folder of
// manifests, real Envoys with nothing but the bootstrap that it prints, pods that are
// servers of HTTP and TCP in this process, and the ztunnels of package ztunnel around
// them. No ztunnel binary takes part.
//
// What is random is drawn from a seed that every run prints; -seed draws it again.
package waypoint
