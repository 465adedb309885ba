package workload

import (
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/third_party/istio/workloadapi"
	"github.com/coastwise/coastwise/third_party/istio/workloadapi/security"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// EnforceWaypoint is the label of a Gateway that is "true" where its workloads shall be
// reached by its pods alone.
const EnforceWaypoint = "networking.coastwise.dev/enforce-waypoint"

// The labels of a Gateway that say for what it is a waypoint.
const (
	waypointFor      = "networking.coastwise.dev/waypoint-for"
	waypointForIstio = "istio.io/waypoint-for"
)

// hbonePort is where a waypoint's ztunnel, or the waypoint itself, ends HBONE.
const hbonePort = 15008

// Waypoint is a Gateway of our waypoint class.
type Waypoint struct {
	model.GatewayName
	// Network is that of its addresses.
	Network string
	// Addresses are IPs and host names; none: for ztunnels it does not exist
	// (reference/ambient.md 8.3).
	Addresses []string
	// Form and Port are of its listener.
	Form model.Form
	Port uint32
	// Workloads says that it is for traffic to pods' own addresses too.
	Workloads bool
	// Enforce is EnforceWaypoint.
	Enforce bool
	// Accounts are the service accounts of its pods, sorted.
	Accounts []string
}

// NewWaypoint reads a valid waypoint; network is that of its Namespace, accounts those of
// its pods.
func NewWaypoint(g *model.GatewayObject, object *gatewayv1.Gateway, network string, accounts []string) *Waypoint {
	what, ok := object.Labels[waypointFor]
	if !ok {
		what = object.Labels[waypointForIstio]
	}
	return &Waypoint{
		GatewayName: g.GatewayName, Network: network, Addresses: g.Addresses, Form: g.Waypoint.Form, Port: g.Waypoint.Port,
		Workloads: what == "workload" || what == "all", Enforce: object.Labels[EnforceWaypoint] == "true", Accounts: accounts,
	}
}

// Equal compares all of it; either may be nil.
func (w *Waypoint) Equal(o *Waypoint) bool {
	if w == nil || o == nil {
		return w == o
	}
	return w.GatewayName == o.GatewayName && w.Network == o.Network && w.Form == o.Form && w.Port == o.Port &&
		w.Workloads == o.Workloads && w.Enforce == o.Enforce && slices.Equal(w.Addresses, o.Addresses) && slices.Equal(w.Accounts, o.Accounts)
}

// address is how a ztunnel reaches it: its first IP, else its first host name; nil where
// it has neither.
func (w *Waypoint) address() *workloadapi.GatewayAddress {
	if w == nil || len(w.Addresses) == 0 {
		return nil
	}
	for _, a := range w.Addresses {
		if ip, ok := bytesOf(a); ok {
			return &workloadapi.GatewayAddress{HboneMtlsPort: hbonePort, Destination: &workloadapi.GatewayAddress_Address{
				Address: &workloadapi.NetworkAddress{Network: w.Network, Address: ip},
			}}
		}
	}
	return &workloadapi.GatewayAddress{HboneMtlsPort: hbonePort, Destination: &workloadapi.GatewayAddress_Hostname{
		Hostname: &workloadapi.NamespacedHostname{Namespace: w.Namespace, Hostname: w.Addresses[0]},
	}}
}

// PolicyOf is namespace/name of the Authorization that enforces a waypoint.
func PolicyOf(g model.GatewayName) string { return g.Namespace + "/" + policyName(g) }

const policyPrefix = "only-through-"

func policyName(g model.GatewayName) string { return policyPrefix + g.Name }

// GatewayOfPolicy is the name of the Gateway whose policy has this one.
func GatewayOfPolicy(name string) string { return strings.TrimPrefix(name, policyPrefix) }

// Authorization lets the waypoint's pods through to the workloads that name it, and nobody
// else; nil where nobody asked for that. While the waypoint has no pods nobody gets through.
//
// The error is that of a string which is not UTF-8.
func (w *Waypoint) Authorization() (*envoy.Resource, error) {
	if w == nil || !w.Enforce {
		return nil, nil
	}
	match := &security.Match{}
	for _, account := range w.Accounts {
		match.ServiceAccounts = append(match.ServiceAccounts, &security.ServiceAccountMatch{Namespace: w.Namespace, ServiceAccount: account})
	}
	policy := &security.Authorization{
		Name: policyName(w.GatewayName), Namespace: w.Namespace,
		Scope: security.Scope_WORKLOAD_SELECTOR, Action: security.Action_ALLOW,
	}
	if len(w.Accounts) > 0 {
		policy.Groups = []*security.Group{{Rules: []*security.Rules{{Matches: []*security.Match{match}}}}}
	}
	return authorizationResource(policy)
}
