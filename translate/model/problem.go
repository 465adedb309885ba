package model

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says how bad a Problem is for the object that it stands on.
type Severity string

// The severities of semantics 10, mildest first.
const (
	Info    Severity = "info"
	Warning Severity = "warning"
	Error   Severity = "error"
)

// Reason is a word of the table of semantics 10: a contract that others script against.
type Reason string

// The reasons of semantics 10.
const (
	Invalid            Reason = "Invalid"
	UnknownField       Reason = "UnknownField"
	NotHonoured        Reason = "NotHonoured"
	DuplicateObject    Reason = "DuplicateObject"
	Conflicted         Reason = "Conflicted"
	TargetNotFound     Reason = "TargetNotFound"
	NothingAllowed     Reason = "NothingAllowed"
	EmptySubset        Reason = "EmptySubset"
	NoRegion           Reason = "NoRegion"
	NoLocality         Reason = "NoLocality"
	NoNode             Reason = "NoNode"
	HashWithLocality   Reason = "HashWithLocality"
	EjectionTooSmall   Reason = "EjectionTooSmall"
	HintsDropped       Reason = "HintsDropped"
	UndeclaredProtocol Reason = "UndeclaredProtocol"
	NoEffect           Reason = "NoEffect"
	NothingListed      Reason = "NothingListed"
	Unparsable         Reason = "Unparsable"
	NotServed          Reason = "NotServed"
	ClientCannot       Reason = "ClientCannot"
	BuildFailed        Reason = "BuildFailed"
	ProxyRejected      Reason = "ProxyRejected"

	// Those of the Gateway API, in its words (conditions of Gateways and routes).
	NoMatchingParent           Reason = "NoMatchingParent"
	NotAllowedByListeners      Reason = "NotAllowedByListeners"
	NoMatchingListenerHostname Reason = "NoMatchingListenerHostname"
	BackendNotFound            Reason = "BackendNotFound"
	RefNotPermitted            Reason = "RefNotPermitted"
	InvalidKind                Reason = "InvalidKind"
	UnsupportedValue           Reason = "UnsupportedValue"
	UnsupportedProtocol        Reason = "UnsupportedProtocol"
	UnsupportedAddress         Reason = "UnsupportedAddress"
	PortUnavailable            Reason = "PortUnavailable"
	HostnameConflict           Reason = "HostnameConflict"
	ProtocolConflict           Reason = "ProtocolConflict"
	InvalidRouteKinds          Reason = "InvalidRouteKinds"
	InvalidCertificateRef      Reason = "InvalidCertificateRef"
	InvalidParameters          Reason = "InvalidParameters"
)

// KindProxy is the kind of a proxy in the reference of a Problem of its own: it is no object,
// and named by its id.
const KindProxy = "Proxy"

// ObjectRef names one object. Namespace is empty for cluster-scoped kinds.
type ObjectRef struct {
	Kind      string
	Namespace string
	Name      string
}

// String is KIND NAMESPACE/NAME, or KIND NAME for cluster-scoped kinds.
func (o ObjectRef) String() string {
	if o.Namespace == "" {
		return o.Kind + " " + o.Name
	}
	return o.Kind + " " + o.Namespace + "/" + o.Name
}

// MarshalText makes it that string in JSON.
func (o ObjectRef) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads what MarshalText wrote; an error for what has no kind.
func (o *ObjectRef) UnmarshalText(text []byte) error {
	kind, name, ok := strings.Cut(string(text), " ")
	if !ok {
		return fmt.Errorf("%q is no object: want KIND NAMESPACE/NAME", text)
	}
	namespace, rest, namespaced := strings.Cut(name, "/")
	if !namespaced {
		namespace, rest = "", name
	}
	*o = ObjectRef{Kind: kind, Namespace: namespace, Name: rest}
	return nil
}

// Compare orders by kind, namespace and name.
func (o ObjectRef) Compare(p ObjectRef) int {
	return cmp.Or(strings.Compare(o.Kind, p.Kind),
		strings.Compare(o.Namespace, p.Namespace), strings.Compare(o.Name, p.Name))
}

// Problem is a user's mistake, reported on their own object. It is a value,
// never an error of ours. Its JSON is a contract. File and Document (from 0) say where the object was
// read, if it came from a file.
type Problem struct {
	Object   ObjectRef `json:"object"`
	Field    string    `json:"field"`
	Severity Severity  `json:"severity"`
	Reason   Reason    `json:"reason"`
	Message  string    `json:"message"`
	File     string    `json:"file"`
	Document int       `json:"document"`
	// Safeguard says which one dropped the hints; only with HintsDropped.
	Safeguard Safeguard `json:"safeguard,omitempty"`
}

// Safeguard is why hints are not followed, or why there are none
// (reference/kubernetes.md 2 and 6.2).
type Safeguard string

// The safeguards of consumers, and then the refusals of the controller for
// topology-mode: Auto as far as they can be seen from outside.
const (
	// EndpointWithoutHint: one ready endpoint without a hint switches all off.
	EndpointWithoutHint Safeguard = "EndpointWithoutHint"
	// ZoneWithoutHint: no ready endpoint is hinted for the client's zone.
	ZoneWithoutHint Safeguard = "ZoneWithoutHint"
	// NoHints: hints were asked for, and no slice has any; why cannot be seen.
	NoHints Safeguard = "NoHints"
	// NodeInfo: a Node has no zone or no allocatable CPU, or there are not two zones.
	NodeInfo Safeguard = "NodeInfo"
	// TooFewEndpoints: fewer ready endpoints than zones.
	TooFewEndpoints Safeguard = "TooFewEndpoints"
	// Overload: no split keeps every zone within 20 % of its share of CPU.
	Overload Safeguard = "Overload"
	// EndpointWithoutZone: a ready endpoint has no zone to be hinted for.
	EndpointWithoutZone Safeguard = "EndpointWithoutZone"
)

// Compare orders problems by object, field, reason and message.
func (p Problem) Compare(q Problem) int {
	return cmp.Or(p.Object.Compare(q.Object), strings.Compare(p.Field, q.Field),
		strings.Compare(string(p.Reason), string(q.Reason)), strings.Compare(p.Message, q.Message),
		strings.Compare(p.File, q.File), cmp.Compare(p.Document, q.Document),
		cmp.Compare(p.Safeguard, q.Safeguard))
}

// SortProblems sorts in place, drops repetitions and returns the result.
func SortProblems(ps []Problem) []Problem {
	slices.SortFunc(ps, Problem.Compare)
	return slices.Compact(ps)
}
