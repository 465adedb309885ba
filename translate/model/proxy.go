package model

import (
	"sort"
	"strings"
)

// Kind is what a client is (semantics 1.1).
type Kind string

// The kinds of client.
const (
	Sidecar  Kind = "sidecar"
	Gateway  Kind = "gateway"
	Waypoint Kind = "waypoint"
	GRPC     Kind = "grpc"
	// Ztunnel is served by workload discovery and has no claims of ours.
	Ztunnel Kind = "ztunnel"
)

// Proxy is a connected xDS client, after its claims were checked against the
// Nodes and Pods that are known (semantics 1.2).
type Proxy struct {
	// ID is NAMESPACE/NAME, Envoy's node.id.
	ID        string
	Kind      Kind
	Namespace string
	Labels    map[string]string
	Node      string
	Locality  Locality
	Network   string
	// Scope is the claim 'NS/*,NS/NAME', canonical: sorted, without spaces; "" is all.
	Scope         string
	Bind          string
	HTTPProxyPort uint32
	// Gateway is NS/NAME of the Gateway object that the proxy runs: a waypoint's always,
	// and that of a gateway which has one.
	Gateway string
	// Capture says that connections of a sidecar's application are redirected to it.
	Capture bool
	// Connect says that its HTTP proxy port is to take CONNECT, as that of a sidecar with
	// Capture does.
	Connect bool
	// Internal says that its bootstrap has the extension for internal listeners.
	Internal bool
	// Certificate is what an HBONE waypoint shows, and trusts, in tunnels: files that it
	// reads itself; zero without.
	Certificate Certificate
	// HBONE says that its Gateway's listener ends tunnels itself; known from the Gateway,
	// and not claimed.
	HBONE bool
	// Verified says that the client proved its namespace and, by a token, its pod: the
	// labels of the Pod that it names count then, and not those that it claims.
	Verified bool
}

// Certificate names files as the client sees them: the CAs that sign for others, and its
// own certificate with its key. All three, or none.
type Certificate struct{ CA, Cert, Key string }

// Form is the shape of a client's resources.
type Form string

// The forms; the zero Form is a plain Envoy.
const (
	Plain    Form = ""
	HBONE    Form = "hbone"
	GRPCForm Form = "grpc"
)

// View is what may make two proxies' answers differ under one policy, and
// nothing else. It is comparable, and it is a class, not a claim: a place, node
// or label value that nothing of the service knows is Other.
type View struct {
	Form     Form
	Locality Locality
	Node     string
	Network  string
	// Labels holds only the keys that the policy mentions: k=v,k=v, sorted.
	Labels string
	Fleet  string
}

// Variant is the whole key of one encoding: a cached function gets this and
// the Service, and nothing else of the proxy.
type Variant struct {
	Port     uint32
	Subset   string
	PolicyID PolicyID
	View     View
}

// Label is the value of one of the view's labels, "" if it has none.
func (v View) Label(key string) string {
	for pair := range strings.SplitSeq(v.Labels, ",") {
		if k, value, _ := strings.Cut(pair, "="); k == key {
			return value
		}
	}
	return ""
}

// FormatLabels is the canonical k=v,k=v form, sorted by key.
func FormatLabels(labels map[string]string) string {
	pairs := make([]string, 0, len(labels))
	for k, v := range labels {
		pairs = append(pairs, k+"="+v)
	}
	sort.Strings(pairs)
	return strings.Join(pairs, ",")
}
