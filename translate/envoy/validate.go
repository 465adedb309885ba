package envoy

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/coastwise/coastwise/translate/model"
)

const maxPort = 65535

// InvalidError says why a resource may not be sent: every finding, in the order
// of the resource's fields.
type InvalidError struct {
	TypeURL  string
	Name     string
	Findings []string
}

// Error is one line, with the first ten findings.
func (e *InvalidError) Error() string {
	const shown = 10
	kind := e.TypeURL[strings.LastIndexByte(e.TypeURL, '.')+1:]
	text := fmt.Sprintf("%s %q: %s", kind, e.Name, strings.Join(e.Findings[:min(shown, len(e.Findings))], "; "))
	if more := len(e.Findings) - shown; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

// Validate says whether a resource may be sent: it is what its type, name and
// version say, Envoy's own constraints hold, and so do those that Envoy and
// gRPC clients have but Envoy does not check (reference envoy 5). One bad
// resource makes Envoy refuse its neighbours, so nothing is published before.
//
// The error is an *InvalidError.
func Validate(r Resource) error {
	return validate(&findings{}, r)
}

func validate(f *findings, r Resource) error {
	switch r.TypeURL {
	case ClusterType:
		if m := new(clusterv3.Cluster); f.decode(r, m) {
			f.named(r, m.GetName())
			if ofHBONE(m.GetName()) {
				f.hboneCluster(m)
			} else {
				f.cluster(m)
			}
		}
	case EndpointType:
		if m := new(endpointv3.ClusterLoadAssignment); f.decode(r, m) {
			f.named(r, m.GetClusterName())
			f.loadAssignment(m)
		}
	case ListenerType:
		if m := new(listenerv3.Listener); f.decode(r, m) {
			f.named(r, m.GetName())
			if ofHBONE(m.GetName()) && m.GetName() != MainInternal {
				f.hboneListener(m)
			} else {
				f.listener(m)
			}
		}
	case RouteType:
		if m := new(routev3.RouteConfiguration); f.decode(r, m) {
			f.named(r, m.GetName())
			f.routes(m)
		}
	case SecretType:
		if m := new(tlsv3.Secret); f.decode(r, m) {
			f.named(r, m.GetName())
		}
	default:
		f.addf("unknown type %q", r.TypeURL)
	}
	return f.err(r)
}

// ValidateWithin says whether every endpoint of a load assignment, or of the one that a
// cluster holds, is one of the service's at that port, in a region that the variant's
// policy allows (semantics 4.1), with the identity that the service gives it: the fence,
// checked on the very bytes that would be sent. The region that decides is the
// endpoint's, not its locality's.
//
// The error is an *InvalidError.
func ValidateWithin(s *model.Service, v model.Variant, r Resource) error {
	f := &findings{}
	port, policy, err := resolve(s, v)
	if err != nil {
		f.addf("%v", err)
	}
	cla := f.assignment(r)
	if cla == nil || err != nil {
		return f.err(r)
	}
	known := make(map[reached]*model.Endpoint, len(port.Endpoints))
	for i := range port.Endpoints {
		e := &port.Endpoints[i]
		at := reached{e.Address, e.Port}
		if IsTunnelName(r.Name) {
			at.port = model.PortTunnel
		}
		known[at] = e
	}
	for _, g := range cla.GetEndpoints() {
		for _, e := range g.GetLbEndpoints() {
			a := reachedAt(e)
			is, ok := known[a]
			switch {
			case !ok:
				f.addf("%s port %d is no endpoint of %s port %d", a.ip, a.port, s.Host, v.Port)
			case !policy.Allowed.Has(is.Region):
				f.addf("%s port %d is in region %q, which is not allowed", a.ip, a.port, is.Region)
			case identityOf(e) != "" && identityOf(e) != is.Identity:
				f.addf("%s port %d has the identity %q, and not %q", a.ip, a.port, is.Identity, identityOf(e))
			}
		}
	}
	return f.err(r)
}

// reached is where an endpoint is.
type reached struct {
	ip   string
	port uint32
}

// reachedAt is where an endpoint is, also one that is reached by a hop.
func reachedAt(e *endpointv3.LbEndpoint) reached {
	a := e.GetEndpoint().GetAddress()
	if in := a.GetEnvoyInternalAddress(); in != nil {
		host, port, _ := splitHostPort(in.GetEndpointId())
		return reached{host, port}
	}
	return reached{a.GetSocketAddress().GetAddress(), a.GetSocketAddress().GetPortValue()}
}

// identityOf is what the endpoint's ztunnel must show; "" if nothing says it.
func identityOf(e *endpointv3.LbEndpoint) string {
	about := e.GetMetadata().GetFilterMetadata()
	return cmp.Or(about[MetadataKey].GetFields()[identityKey].GetStringValue(), about[socketMatchMeta].GetFields()[identityKey].GetStringValue())
}

// assignment is the one that a resource is or holds, nil if it does not decode.
func (f *findings) assignment(r Resource) *endpointv3.ClusterLoadAssignment {
	if r.TypeURL == ClusterType {
		c := new(clusterv3.Cluster)
		if !f.decode(r, c) {
			return nil
		}
		return cmp.Or(c.GetLoadAssignment(), new(endpointv3.ClusterLoadAssignment))
	}
	cla := new(endpointv3.ClusterLoadAssignment)
	if !f.decode(r, cla) {
		return nil
	}
	return cla
}

// findings collects what is wrong.
type findings struct {
	list []string
	// hbone allows endpoints that a ztunnel is in front of.
	hbone bool
	// alone says that these are routes of a port alone (AloneRoutes).
	alone bool
	// names allows names of hosts for addresses, each once; nil allows none.
	names map[string]bool
}

func (f *findings) addf(format string, args ...any) {
	f.list = append(f.list, fmt.Sprintf(format, args...))
}

func (f *findings) err(r Resource) error {
	if len(f.list) == 0 {
		return nil
	}
	return &InvalidError{TypeURL: r.TypeURL, Name: r.Name, Findings: f.list}
}

// checked is a message with the checks of Envoy's own schema.
type checked interface {
	proto.Message
	ValidateAll() error
}

// decode also runs the checks that Envoy's own schema carries.
func (f *findings) decode(r Resource, m checked) bool {
	if err := proto.Unmarshal(r.Body, m); err != nil {
		f.addf("does not decode: %v", err)
		return false
	}
	err := m.ValidateAll()
	var all interface {
		error
		AllErrors() []error
	}
	if errors.As(err, &all) {
		for _, e := range all.AllErrors() {
			f.addf("%v", e)
		}
	} else if err != nil {
		f.addf("%v", err)
	}
	return true
}

// unpack reads a packed message, and runs the checks of its schema too; it is false where
// it cannot be read.
func (f *findings) unpack(where string, packed *anypb.Any, m checked) bool {
	if err := packed.UnmarshalTo(m); err != nil {
		f.addf("%s: %v", where, err)
		return false
	}
	if err := m.ValidateAll(); err != nil {
		f.addf("%s: %v", where, err)
	}
	return true
}

func (f *findings) named(r Resource, name string) {
	if name == "" {
		f.addf("has no name")
	}
	if name != r.Name {
		f.addf("is called %q inside", name)
	}
	if r.Version == "" {
		f.addf("has no version")
	}
}

// parseSocket reads one ip:port and says what is wrong with it, "" if nothing: it
// must be a literal address that can be connected to or, with listen, bound.
func parseSocket(a *corev3.Address, listen bool) (at netip.AddrPort, wrong string) {
	s := a.GetSocketAddress()
	if s == nil {
		return at, "not a socket address"
	}
	ip, err := netip.ParseAddr(s.GetAddress())
	switch {
	case err != nil:
		return at, fmt.Sprintf("%q is not an IP", s.GetAddress())
	case ip.Zone() != "":
		return at, fmt.Sprintf("%q has a zone identifier", s.GetAddress())
	case ip.IsMulticast():
		return at, fmt.Sprintf("%s is a multicast address", ip)
	case ip.IsUnspecified() && !listen:
		return at, fmt.Sprintf("%s cannot be connected to", ip)
	}
	if p := s.GetPortValue(); p < 1 || p > maxPort {
		return at, fmt.Sprintf("port %d is not in 1..65535", p)
	}
	return netip.AddrPortFrom(ip, uint16(s.GetPortValue())), ""
}

// noFiles finds file names anywhere, also inside packed messages: a path that a
// proxy does not have makes it refuse the resource, and a path that it has may
// be a secret (reference envoy R17). What is packed is looked at once: a listener with
// a thousand chains packs the same access log a thousand times.
func (f *findings) noFiles(m proto.Message) {
	type packed struct{ typeURL, value string }
	seen := map[packed]bool{}
	err := protorange.Range(m.ProtoReflect(), func(p protopath.Values) error {
		last := p.Path.Index(-1)
		if a, ok := p.Index(-2).Value.Interface().(protoreflect.Message); ok && last.Kind() == protopath.AnyExpandStep {
			holder := a.Interface().(*anypb.Any)
			key := packed{holder.GetTypeUrl(), string(holder.GetValue())}
			if seen[key] {
				return protorange.Break
			}
			seen[key] = true
		}
		if last.Kind() == protopath.FieldAccessStep && namesFile(last.FieldDescriptor()) && !ofSecret(p.Path) {
			f.addf("%s: names a file", p.Path[1:].String())
		}
		return nil
	})
	if err != nil {
		f.addf("%v", err)
	}
}

func namesFile(d protoreflect.FieldDescriptor) bool {
	switch d.FullName() {
	case "envoy.config.core.v3.DataSource.filename",
		"envoy.config.core.v3.DataSource.environment_variable",
		"envoy.config.core.v3.ConfigSource.path",
		"envoy.config.core.v3.ConfigSource.path_config_source",
		"envoy.config.core.v3.Pipe.path":
		return true
	}
	return false
}
