package lint

import "github.com/coastwise/coastwise/translate/model"

// Reason says what a Problem's reason means, and how it is mended.
type Reason struct {
	Reason      model.Reason
	Title, Mend string
}

// Reasons are those of semantics 10 and of the Gateway API, as rules: what serve reports,
// lint does too.
func Reasons() []Reason { return append(ownReasons(), gatewayReasons()...) }

func gatewayReasons() []Reason {
	return []Reason{
		{model.NoMatchingParent, "The parent of a route does not exist, or has no such listener or port", "Correct parentRefs, or add what they name"},
		{model.NotAllowedByListeners, "A Gateway does not take what names it", "Allow it there (allowedRoutes, waypoint-for), or name another"},
		{model.NoMatchingListenerHostname, "No listener has a host name of the route", "Correct the hostnames of one of them"},
		{model.BackendNotFound, "A backend does not exist; its share answers 500", "Correct the name or port, or add the Service"},
		{model.RefNotPermitted, "A reference into another namespace is not permitted", "Add a ReferenceGrant there"},
		{model.InvalidKind, "A reference names a kind that is not served there", "Name a Service"},
		{model.UnsupportedValue, "A value is valid, and not served", "Write what the message says is served"},
		{model.UnsupportedProtocol, "The protocol of a listener is not served by Gateways of the class", "Write one that the message names"},
		{model.UnsupportedAddress, "Addresses of a Gateway are not served", "Leave them out: those of its Service count"},
		{model.PortUnavailable, "A listener cannot have its port", "Write the port that the message names, or another"},
		{model.HostnameConflict, "Two listeners of a port have one host name", "Give each its own"},
		{model.ProtocolConflict, "Two listeners of a port have different protocols", "Give each its own port"},
		{model.InvalidRouteKinds, "A listener allows kinds of routes that are not served", "Allow HTTPRoute or GRPCRoute"},
		{model.InvalidCertificateRef, "The certificate of a listener is not there", "Add the file that the message names to a --tls-dir"},
		{model.InvalidParameters, "Parameters of a Gateway are not read", "Leave parametersRef out"},
	}
}

func ownReasons() []Reason {
	return []Reason{
		{model.Invalid, "A value is not allowed", "Write what the message says is allowed"},
		{model.UnknownField, "There is no such field", "Correct the name, or remove the field"},
		{model.NotHonoured, "A valid field is not honoured yet", "Do without it; where dropping it would expose something the object is refused"},
		{model.DuplicateObject, "One object stands in two places", "Keep one of them"},
		{model.Conflicted, "Another object was first", "Join the two, or remove one"},
		{model.TargetNotFound, "What is named does not exist", "Correct the name, or add what it names"},
		{model.NothingAllowed, "allowedRegions leaves no endpoint", "Allow a region in which there are endpoints"},
		{model.EmptySubset, "No endpoint has the labels of a subset", "Correct the labels of the subset or of the Pods"},
		{model.NoRegion, "The region of endpoints is unknown", "Label their Nodes with topology.kubernetes.io/region"},
		{model.NoLocality, "distribute finds no endpoint with a locality", "Label the Nodes of the endpoints"},
		{model.NoNode, "A client's Node is unknown under internalTrafficPolicy: Local", "Give the client's Node"},
		{model.HashWithLocality, "A consistent hash acts inside the locality only", "Switch one of them off if a key must find one endpoint everywhere"},
		{model.EjectionTooSmall, "Ejection can never empty a zone", "Raise outlierDetection.maxEjectionPercent above the largest zone's share"},
		{model.HintsDropped, "A safeguard sets hints aside", "See to what the message names"},
		{model.UndeclaredProtocol, "The protocol of a port is not declared", "Write appProtocol"},
		{model.NoEffect, "The field has no effect", "Remove it, or add what it needs"},
		{model.NothingListed, "distribute lists no locality with endpoints", "List one, or add failover"},
		{model.Unparsable, "The document cannot be read", "Correct its syntax"},
		{model.NotServed, "The kind is not served yet", "Do without the object"},
		{model.ClientCannot, "Some clients cannot do this", "See what they do instead in the message"},
		{model.BuildFailed, "The service could not be built", "Report it: this is a defect of coastwise"},
		{model.ProxyRejected, "An Envoy refused what was made of the object", "See Envoy's message"},
	}
}
