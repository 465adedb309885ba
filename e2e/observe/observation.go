package observe

// Observation is one effect of honoured fields.
type Observation struct {
	// Name is a DNS label and unique: the two Services are NAME-with and
	// NAME-without.
	Name string
	// Rows are the fields that it observes, as docs/compatibility.md names them.
	Rows []string
	// With has the fields, Without has not, or other values.
	With, Without Side
	// Measure says what a client of one Service sees. It does not know what is
	// expected.
	Measure func(*Site) (string, error)
}

// Side is one of the two Services of an Observation.
type Side struct {
	// Want is what Measure must give.
	Want string
	// Namespace of the Service, its slices and its rule; "" is default.
	Namespace string
	// Policy is the trafficPolicy of the Service's rule in flow style; "" is no rule,
	// unless Rule is set.
	Policy string
	// Rule is more of that rule's spec in flow style, without braces: "exportTo: [b]".
	Rule string
	// RuleHost is the rule's host; "" is the Service's name.
	RuleHost string
	// RuleNamespace is "" for the Service's.
	RuleNamespace string
	// Mesh is the spec of the MeshConfig in flow style; "" is none.
	Mesh string
	// Labels and Annotations of the Service in flow style, without braces.
	Labels, Annotations string
	// Spec is more of the Service's spec in flow style, without braces.
	Spec string
	// Ports of the Service in flow style; "" is one HTTP port 80.
	Ports string
	// Slice is what its EndpointSlice has beside the endpoints.
	Slice SliceShape
	// Endpoints are two of the first zone if nil.
	Endpoints []Endpoint
	// Late are endpoints that come some seconds later.
	Late []Endpoint
	// More are documents beside these; see Site.filled.
	More string
	// Client is which of the world's clients measures: a key of clients; "" is the
	// usual one.
	Client string
}

// SliceShape is what an EndpointSlice has beside its endpoints.
type SliceShape struct {
	// PortName is "http" if empty.
	PortName string
	// Service is the value of the label; "" is the Service's own name.
	Service string
	// Port of the endpoints; 0 is the backends' plain one, TLS that of the others.
	Port int
	TLS  bool
	// Type is IPv4 if empty, Protocol TCP; ManagedBy is a label.
	Type, Protocol, ManagedBy string
}

// Endpoint is the N-th backend of a zone, and what its slice says of it.
type Endpoint struct {
	// Zone is an index of zones.
	Zone, N int
	// Special is one of the Lab's odd backends; Zone and N mean nothing then.
	Special Special
	// More is more of the entry in flow style, without braces. "" is its zone and Node.
	More string
}

// Special is an odd backend.
type Special string

// The odd backends. Dead refuses connections, Silent lets them wait for ever, Mute
// accepts them and speaks HTTP/2 but answers nothing, IPv6 is ::1, FQDN is
// a name.
const (
	Dead   Special = "dead"
	Silent Special = "silent"
	Mute   Special = "mute"
	IPv6   Special = "ipv6"
	FQDN   Special = "fqdn"
)

// zones are where backends are; the usual client is in the first.
var zones = []struct{ Region, Zone string }{{"eu", "eu-1"}, {"eu", "eu-2"}, {"us", "us-1"}, {"ap", "ap-1"}}

// at is the N-th backend of a zone, with its zone and Node in the slice.
func at(zone, n int) Endpoint { return Endpoint{Zone: zone, N: n} }

// bare is the N-th backend of a zone of which the slice says only more.
func bare(zone, n int, more string) Endpoint {
	if more == "" {
		more = "conditions: {}"
	}
	return Endpoint{Zone: zone, N: n, More: more}
}

func special(s Special) Endpoint { return Endpoint{Special: s} }

// inFirstZone are n backends of the first zone.
func inFirstZone(n int) []Endpoint {
	var out []Endpoint
	for i := range n {
		out = append(out, at(0, i))
	}
	return out
}

// oneEach is a backend of each of the first n zones.
func oneEach(n int) []Endpoint {
	var out []Endpoint
	for i := range n {
		out = append(out, at(i, 0))
	}
	return out
}

// rule names rows of DestinationRule by what follows spec.
func rule(paths ...string) []string { return rows("DestinationRule spec.", paths) }

// policy names rows of DestinationRule by what follows spec.trafficPolicy.
func policy(paths ...string) []string { return rows("DestinationRule spec.trafficPolicy.", paths) }

func rows(prefix string, paths []string) []string {
	out := make([]string, len(paths))
	for i, p := range paths {
		out[i] = prefix + p
	}
	return out
}

// All is every observation. What takes longest comes first.
func All() []Observation {
	var out []Observation
	for _, block := range [][]Observation{
		outliers(), ejectors(), rules(), loadBalancer(), hashes(), localities(), pools(), httpPools(), secured(), meshes(), services(), endpointSlices(), places(), entries(), tunnels(),
	} {
		out = append(out, block...)
	}
	return out
}

// sides are both, the one with the fields first.
func (o Observation) sides() []Side { return []Side{o.With, o.Without} }

// service is the name of one side's Service.
func (o Observation) service(with bool) string {
	if with {
		return o.Name + "-with"
	}
	return o.Name + "-without"
}
