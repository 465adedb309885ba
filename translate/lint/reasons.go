package lint

import "github.com/coastwise/coastwise/translate/model"

// Reason says what a Problem's reason means, and how it is mended.
type Reason struct {
	Reason      model.Reason
	Title, Mend string
}

// Reasons are those of semantics 10, as rules: what serve reports, lint does too.
func Reasons() []Reason {
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
