package model

import (
	"cmp"
	"fmt"
	"path"
	"strings"
)

// The names of the Gateway API that are ours (docs/waypoints.md).
const (
	// GatewayController is spec.controllerName of our GatewayClasses.
	GatewayController = "networking.coastwise.dev/gateway-controller"
	// WaypointClass and EdgeClass are built in: they need no object.
	WaypointClass = "coastwise-waypoint"
	EdgeClass     = "coastwise"
	// The protocols of a waypoint's listener, and the ports that go with them.
	ProtocolPROXY = "PROXY"
	ProtocolHBONE = "HBONE"
	PortPROXY     = 15088
	PortHBONE     = 15008
	// UseWaypoint and UseWaypointNamespace are the labels of a Namespace, Service or Pod;
	// UseWaypointIstio and UseWaypointNamespaceIstio Istio's spelling. NoWaypoint as the
	// value is none at all.
	UseWaypoint               = "networking.coastwise.dev/use-waypoint"
	UseWaypointNamespace      = "networking.coastwise.dev/use-waypoint-namespace"
	UseWaypointIstio          = "istio.io/use-waypoint"
	UseWaypointNamespaceIstio = "istio.io/use-waypoint-namespace"
	NoWaypoint                = "none"
)

// GatewayName names a Gateway object; zero is none.
type GatewayName struct{ Namespace, Name string }

// String is NS/NAME, "" for none.
func (g GatewayName) String() string {
	if g == (GatewayName{}) {
		return ""
	}
	return g.Namespace + "/" + g.Name
}

// Compare orders by namespace and name.
func (g GatewayName) Compare(o GatewayName) int {
	return cmp.Or(strings.Compare(g.Namespace, o.Namespace), strings.Compare(g.Name, o.Name))
}

// ParseGatewayName reads NS/NAME; "" is none.
func ParseGatewayName(s string) (GatewayName, error) {
	namespace, name, ok := strings.Cut(s, "/")
	switch {
	case s == "":
		return GatewayName{}, nil
	case !ok || !scopeWord(namespace) || !scopeWord(name):
		return GatewayName{}, fmt.Errorf("%q is not NAMESPACE/NAME of a Gateway", s)
	}
	return GatewayName{Namespace: namespace, Name: name}, nil
}

// GatewayObject is one Gateway of a class of ours, in mesh words. Immutable once
// returned by ingest.Gateway.
type GatewayObject struct {
	GatewayName
	Object ObjectRef
	// Kind is Waypoint, or Gateway for one at the edge.
	Kind Kind
	// Waypoint is of a Waypoint only, Listeners of one at the edge only.
	Waypoint  WaypointListener
	Listeners []GatewayListener
	// Attached counts the routes that are attached to each listener of one at the edge by
	// the name of the listener, also to those that are not valid.
	Attached map[string]int
	// Addresses are those of its Services (label gateway.networking.k8s.io/gateway-name):
	// virtual IPs, and host names where there is none; sorted.
	Addresses []string
}

// WaypointListener is the one listener of a waypoint.
type WaypointListener struct {
	// Name is that of the listener in the object.
	Name string
	// Form is HBONE, or Plain behind a ztunnel that sends a PROXY v2 header.
	Form Form
	Port uint32
	// AttachedRoutes counts the routes that name the Gateway as a parent: none does good.
	AttachedRoutes int
}

// GatewayListener is one valid listener of a Gateway at the edge; sorted by port, then
// by host name (exact before wildcard, longer first, none last).
type GatewayListener struct {
	Name string
	// Index is its place in spec.listeners.
	Index int
	Port  uint32
	// Hostname is "" for all, or may begin with "*.".
	Hostname string
	// Certificates are what an HTTPS listener shows; none: plain HTTP. Listeners of one
	// port are all of the one sort.
	Certificates []Credential
	// Hosts are the virtual hosts, sorted by domain. No domain stands twice on one port:
	// the listener with the closest host name has it.
	Hosts []GatewayHost
	// AttachedRoutes counts the objects that are attached, of any rule.
	AttachedRoutes int
}

// HTTPS says that the listener ends TLS.
func (l GatewayListener) HTTPS() bool { return len(l.Certificates) > 0 }

// Credential is a secret that a proxy reads from a file.
type Credential struct {
	// Name is NAMESPACE.NAME of a Secret, Dir the folder with its file.
	Name, Dir string
}

// CredentialName is what the Secret of a Gateway is called among the files of secrets: a
// name of its own in each namespace, which no credentialName of a rule can be.
func CredentialName(namespace, name string) string { return namespace + "." + name }

// File is where it stands, by the path that the proxy sees.
func (c Credential) File() string { return path.Join(c.Dir, c.Name+".yaml") }

// RunBy says that a proxy which names the Gateway may be served it: it is of the kind,
// and at the edge of the namespace too, since it sees what is exported there.
func (g *GatewayObject) RunBy(p Proxy) bool {
	return g.Kind == p.Kind && (g.Kind != Gateway || g.Namespace == p.Namespace)
}

// GatewayHost is one virtual host.
type GatewayHost struct {
	// Domain is a host name, "*.suffix" or "*".
	Domain string
	// Routes are in the order in which they are tried; none: every request gets 404.
	Routes []Route
}
