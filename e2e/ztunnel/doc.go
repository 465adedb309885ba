// Package ztunnel does around a waypoint what a ztunnel does, as far as a waypoint can
// tell: it is no ztunnel, and asks no control plane.
//
// Before a waypoint: Sandwich opens connections to a PROXY listener as the waypoint's
// own ztunnel does, HBONE tunnels as the client's does. Both dial what an http.Transport
// or a TCP client names, a VIP:PORT (or, with HBONE, a HOST:PORT), and Pick says to which
// replica of the waypoint a client's node goes. Lies are headers that no ztunnel writes.
//
// Behind it: Server is the ztunnel of a pod, which ends HBONE at podIP:15008, asks for
// a certificate, and counts who came.
//
// Certificates are the files of package authority, read again for every handshake.
// The tests hold all of it against an unmodified Envoy whose configuration is written by
// hand, in testdata: the shapes that a control plane has to produce.
package ztunnel
