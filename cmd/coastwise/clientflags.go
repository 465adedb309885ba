package main

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/hashicorp/go-multierror"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/coastwise/coastwise/translate/model"
)

// clientFlags say who the client is (semantics 1.1): the same in every command.
type clientFlags struct {
	id, kind, namespace, node, locality, network string
	labels, scope, bind, gateway                 string
	httpProxyPort                                uint32
	capture, connect                             bool
	given                                        *pflag.FlagSet
}

// add defines the flags.
func (f *clientFlags) add(flags *pflag.FlagSet) {
	f.given = flags
	flags.StringVar(&f.id, "id", "", "name of the client, its pod's name if it runs in one; Envoy's node.id is NAMESPACE/ID")
	flags.StringVar(&f.kind, "kind", string(model.Sidecar), "what the client is: sidecar, gateway, waypoint, or grpc for a proxyless gRPC client")
	flags.StringVar(&f.namespace, "namespace", "default", "namespace of the client")
	flags.StringVar(&f.node, "node", "", "Kubernetes Node that the client runs on; a known Node beats --locality")
	flags.StringVar(&f.locality, "locality", "", "where the client runs: REGION[/ZONE[/SUBZONE]]")
	flags.StringVar(&f.network, "network", "", "network of the client")
	flags.StringVar(&f.labels, "labels", "", "labels of the client: k=v,k=v")
	flags.StringVar(&f.scope, "scope", "", "narrow what the client sees: 'NS/*,NS/NAME' (default: all that is exported to its namespace)")
	flags.StringVar(&f.bind, "bind", "127.0.0.1", "address of the client's ports")
	flags.Uint32Var(&f.httpProxyPort, "http-proxy-port", 15080, "port of the client's HTTP proxy listener; 0 is none")
	flags.StringVar(&f.gateway, "gateway", "", "NS/NAME of the Gateway that the client runs; a waypoint needs one")
	flags.BoolVar(&f.connect, "connect", false, "the sidecar's HTTP proxy port takes CONNECT too; with --capture it does anyway")
	flags.BoolVar(&f.capture, "capture", false, "the sidecar also listens on 15001 and 15006 for connections that iptables redirects to it")
}

// proxy reads the flags as a client's claims. The error lists every flag that
// is wrong, one line each.
func (f *clientFlags) proxy() (model.Proxy, error) {
	errs := &multierror.Error{ErrorFormat: lines}
	p := model.Proxy{
		ID: f.namespace + "/" + f.id, Kind: model.Kind(f.kind), Namespace: f.namespace,
		Node: f.node, Network: f.network, Bind: f.bind, HTTPProxyPort: f.httpProxyPort,
		Gateway: f.gateway, Capture: f.capture, Connect: f.connect,
		Internal: true, // as bootstrap says it
	}
	if p.Kind == model.Waypoint {
		p.HTTPProxyPort = 0
		if f.given != nil && f.given.Changed("http-proxy-port") && f.httpProxyPort != 0 {
			errs = multierror.Append(errs, errors.New("--http-proxy-port: means nothing to kind waypoint, which listens on its Gateway's port"))
		}
	}
	if p.Kind == model.GRPC {
		p.Bind, p.HTTPProxyPort, p.Internal = "", 0, false
		errs = multierror.Append(errs, f.meaningless()...)
	}
	errs = multierror.Append(errs, f.checkNames()...)
	errs = multierror.Append(errs, f.checkServed()...)
	errs = multierror.Append(errs, f.checkListener()...)
	var err error
	if p.Locality, err = parseLocality(f.locality); err != nil {
		errs = multierror.Append(errs, err)
	}
	if p.Labels, err = parseLabels(f.labels); err != nil {
		errs = multierror.Append(errs, err)
	}
	if p.Scope, err = model.ParseScope(f.scope); err != nil {
		errs = multierror.Append(errs, fmt.Errorf("--scope: %w", err))
	}
	if errs.ErrorOrNil() != nil {
		return model.Proxy{}, usageError{errs}
	}
	return p, nil
}

// lines is the stable format of collected errors: one line each.
func lines(errs []error) string {
	if len(errs) == 1 {
		return errs[0].Error()
	}
	out := make([]string, 0, len(errs)+1)
	out = append(out, fmt.Sprintf("%d errors:", len(errs)))
	for _, err := range errs {
		out = append(out, "  "+err.Error())
	}
	return strings.Join(out, "\n")
}

// checkNames holds names to Kubernetes' own syntax.
func (f *clientFlags) checkNames() []error {
	var errs []error
	check := func(flag, value string, valid func(string) []string) {
		if msgs := valid(value); len(msgs) > 0 {
			errs = append(errs, fmt.Errorf("%s: %q: %s", flag, value, msgs[0]))
		}
	}
	if strings.Contains(f.id, "/") {
		errs = append(errs, fmt.Errorf("--id: %q: give the name alone, and the namespace by --namespace", f.id))
	} else if f.id != "" {
		check("--id", f.id, validation.IsDNS1123Subdomain)
	}
	check("--namespace", f.namespace, validation.IsDNS1123Label)
	if f.node != "" {
		check("--node", f.node, validation.IsDNS1123Subdomain)
	}
	check("--network", f.network, validation.IsValidLabelValue)
	return errs
}

// checkServed checks what goes with which kind.
func (f *clientFlags) checkServed() []error {
	var errs []error
	kind := model.Kind(f.kind)
	switch kind {
	case model.Sidecar, model.Gateway, model.Waypoint:
	case model.GRPC:
		return nil // which has no such flags at all
	default:
		errs = append(errs, fmt.Errorf("--kind: %q: want sidecar, gateway, waypoint or grpc", f.kind))
	}
	if _, err := model.ParseGatewayName(f.gateway); err != nil {
		errs = append(errs, fmt.Errorf("--gateway: %w", err))
	}
	switch {
	case kind == model.Waypoint && f.gateway == "":
		errs = append(errs, errors.New("--gateway: missing: NAMESPACE/NAME of the Gateway that the waypoint runs"))
	case kind == model.Sidecar && f.gateway != "":
		errs = append(errs, errors.New("--gateway: is for kinds waypoint and gateway"))
	}
	if f.connect && (kind != model.Sidecar || f.httpProxyPort == 0) {
		errs = append(errs, errors.New("--connect: is for the HTTP proxy port of kind sidecar"))
	}
	if f.capture && kind != model.Sidecar {
		errs = append(errs, errors.New("--capture: is for kind sidecar"))
	}
	return errs
}

// meaningless names the flags of a proxy's own ports: a gRPC client has none.
func (f *clientFlags) meaningless() []error {
	var errs []error
	for _, name := range []string{"bind", "http-proxy-port", "admin-port", "admin-bind", "gateway", "capture", "connect"} {
		if f.given.Changed(name) {
			errs = append(errs, fmt.Errorf("--%s: means nothing to --kind grpc: such a client opens no port", name))
		}
	}
	return errs
}

// checkListener checks where the client's own ports are.
func (f *clientFlags) checkListener() []error {
	var errs []error
	if _, err := netip.ParseAddr(f.bind); err != nil {
		errs = append(errs, fmt.Errorf("--bind: %q is no IP address", f.bind))
	}
	if f.httpProxyPort > 65535 {
		errs = append(errs, fmt.Errorf("--http-proxy-port: %d is not within 0..65535", f.httpProxyPort))
	}
	return errs
}

// parseLocality reads --locality; "" is unknown.
func parseLocality(s string) (model.Locality, error) {
	l, ok := model.ParseLocality(s)
	if !ok {
		return l, fmt.Errorf("--locality: %q: want REGION[/ZONE[/SUBZONE]]", s)
	}
	for _, part := range []string{l.Region, l.Zone, l.SubZone} {
		if msgs := validation.IsValidLabelValue(part); len(msgs) > 0 {
			return l, fmt.Errorf("--locality: %q: %s", part, msgs[0])
		}
	}
	return l, nil
}

// parseLabels reads --labels: k=v,k=v, each key once; "" is none.
func parseLabels(s string) (map[string]string, error) {
	if s == "" {
		return nil, nil
	}
	out := map[string]string{}
	for pair := range strings.SplitSeq(s, ",") {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, fmt.Errorf("--labels: %q: want k=v", pair)
		}
		msgs := slices.Concat(validation.IsQualifiedName(key), validation.IsValidLabelValue(value))
		if len(msgs) > 0 {
			return nil, fmt.Errorf("--labels: %q: %s", pair, msgs[0])
		}
		if _, twice := out[key]; twice {
			return nil, fmt.Errorf("--labels: %q stands twice", key)
		}
		out[key] = value
	}
	return out, nil
}
