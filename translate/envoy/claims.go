package envoy

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/go-multierror"

	"github.com/coastwise/coastwise/translate/model"
)

// What a client says of itself (semantics 1.1): in bootstrap each claim is a
// flag, in a stream's first request a field of the node.
const (
	claimID        = "id"
	claimNamespace = "namespace"
	claimKind      = "kind"
	claimNode      = "node"
	claimLocality  = "locality"
	claimNetwork   = "network"
	claimLabels    = "labels"
	claimScope     = "scope"
	claimBind      = "bind"
	claimPort      = "httpProxyPort"
	claimGateway   = "gateway"
	claimCapture   = "capture"
	claimConnect   = "connect"
	claimInternal  = "internalListeners"
	// claimCertificate is an object of ca, cert and key.
	claimCertificate = "certificate"
)

// DefaultNamespace is that of a node.id without one.
const DefaultNamespace = "default"

// ParseID reads NAMESPACE/ID; a bare ID is in the namespace default.
func ParseID(s string) (namespace, id string, err error) {
	namespace, id, found := strings.Cut(s, "/")
	if !found {
		namespace, id = DefaultNamespace, s
	}
	if !isNamespace(namespace) || !isWord(id, 253) {
		return "", "", fmt.Errorf("%q is not NAMESPACE/ID (a namespace, and letters, digits, '-', '_' and '.')", s)
	}
	return namespace, id, nil
}

// checks collects what is wrong with claims; name says what a claim is called
// where its author wrote it.
type checks struct {
	all  *multierror.Error
	name func(claim string) string
}

func (c *checks) addf(claim, format string, args ...any) {
	c.all = multierror.Append(c.all, fmt.Errorf("%s: %w", c.name(claim), fmt.Errorf(format, args...)))
}

func (c *checks) err() error {
	if c.all == nil {
		return nil
	}
	c.all.ErrorFormat = func(errs []error) string {
		texts := make([]string, 0, len(errs))
		for _, e := range errs {
			texts = append(texts, e.Error())
		}
		return strings.Join(texts, "; ")
	}
	return c.all
}

// proxy checks everything that Bootstrap writes and ProxyFromNode reads.
func (c *checks) proxy(p model.Proxy) {
	if namespace, id, err := ParseID(p.ID); err != nil {
		c.addf(claimID, "%w", err)
	} else if p.ID != namespace+"/"+id || namespace != p.Namespace {
		c.addf(claimID, "%q is not in the namespace %q", p.ID, p.Namespace)
	}
	if err := Served(p.Kind); err != nil {
		c.addf(claimKind, "%w", err)
	}
	if p.Node != "" && !isWord(p.Node, 253) {
		c.addf(claimNode, "%q is not the name of a Node", p.Node)
	}
	for _, part := range []string{p.Locality.Region, p.Locality.Zone, p.Locality.SubZone} {
		if part != "" && !isWord(part, 63) {
			c.addf(claimLocality, "%q is not the value of a topology label", part)
		}
	}
	if p.Network != "" && !isWord(p.Network, 63) {
		c.addf(claimNetwork, "%q is not the value of a label", p.Network)
	}
	for _, key := range slices.Sorted(maps.Keys(p.Labels)) {
		if !isLabel(key, p.Labels[key]) {
			c.addf(claimLabels, "%q is not a Kubernetes label KEY=VALUE", key+"="+p.Labels[key])
		}
	}
	if canonical, err := model.ParseScope(p.Scope); err != nil {
		c.addf(claimScope, "%w", err)
	} else if canonical != p.Scope {
		c.addf(claimScope, "%q is not canonical: %q", p.Scope, canonical)
	}
	c.listen(p)
	if p.Connect && (p.Kind != model.Sidecar || p.HTTPProxyPort == 0) {
		c.addf(claimConnect, "is for the HTTP proxy port of kind sidecar")
	}
	c.belongs(p)
	if p.Capture && p.Kind != model.Sidecar {
		c.addf(claimCapture, "is for kind sidecar, and not for %s", p.Kind)
	}
}

// belongs checks the Gateway that a proxy runs, and its ports.
func (c *checks) belongs(p model.Proxy) {
	if _, err := model.ParseGatewayName(p.Gateway); err != nil {
		c.addf(claimGateway, "%w", err)
	}
	switch {
	case p.Kind == model.Waypoint && p.Gateway == "":
		c.addf(claimGateway, "missing: NAMESPACE/NAME of the Gateway that the waypoint runs")
	case p.Gateway != "" && p.Kind != model.Waypoint && p.Kind != model.Gateway:
		c.addf(claimGateway, "is for kinds waypoint and gateway, and not for %s", p.Kind)
	}
	c.certificate(p)
	if p.Kind == model.Waypoint && p.HTTPProxyPort != 0 {
		c.addf(claimPort, "means nothing to kind waypoint, which listens on its Gateway's port")
	}
}

// certificate checks the files of an HBONE waypoint: paths go back to the client that
// named them, and to nobody else.
func (c *checks) certificate(p model.Proxy) {
	if p.Certificate == (model.Certificate{}) {
		return
	}
	if p.Kind != model.Waypoint {
		c.addf(claimCertificate, "is for kind waypoint, and not for %s", p.Kind)
	}
	for _, f := range []struct{ name, path string }{{"ca", p.Certificate.CA}, {"cert", p.Certificate.Cert}, {"key", p.Certificate.Key}} {
		switch {
		case f.path == "":
			c.addf(claimCertificate+"."+f.name, "missing: ca, cert and key belong together")
		case len(f.path) > maxPath || strings.ContainsFunc(f.path, func(r rune) bool { return r < ' ' }) || !utf8.ValidString(f.path):
			c.addf(claimCertificate+"."+f.name, "%q is not the path of a file", f.path)
		}
	}
}

// maxPath is Linux's PATH_MAX.
const maxPath = 4096

func (c *checks) listen(p model.Proxy) {
	if p.HTTPProxyPort > maxPort {
		c.addf(claimPort, "%d is not in 0..65535 (0: no HTTP proxy port)", p.HTTPProxyPort)
	}
	if p.Bind == "" && p.HTTPProxyPort == 0 && !p.Capture && p.Gateway == "" {
		return
	}
	if p.Kind == model.GRPC {
		c.noListener(p)
		return
	}
	if ip, err := netip.ParseAddr(p.Bind); err != nil || ip.Zone() != "" || ip.IsMulticast() {
		c.addf(claimBind, "%q is not an IP to listen on", p.Bind)
	}
}

// noListener: a gRPC client opens no port, so what it says of one is a mistake.
func (c *checks) noListener(p model.Proxy) {
	if p.Bind != "" {
		c.addf(claimBind, "means nothing to kind grpc, which opens no port")
	}
	if p.HTTPProxyPort != 0 {
		c.addf(claimPort, "means nothing to kind grpc, which opens no port")
	}
}

// Served says whether there is such a kind of client: the error names the kind and
// what is allowed.
func Served(k model.Kind) error {
	switch k {
	case model.Sidecar, model.Gateway, model.Waypoint, model.GRPC:
		return nil
	case "":
		return errors.New("kind is missing: sidecar, gateway, waypoint or grpc")
	}
	return fmt.Errorf("kind %q does not exist: sidecar, gateway, waypoint and grpc are served", string(k))
}

func isNamespace(s string) bool {
	return isWord(s, 63) && s == strings.ToLower(s) && !strings.ContainsAny(s, "._")
}

func isLabel(key, value string) bool {
	if prefix, name, found := strings.Cut(key, "/"); found {
		if !isWord(prefix, 253) {
			return false
		}
		key = name
	}
	return isWord(key, 63) && (value == "" || isWord(value, 63))
}

// isWord says whether s is what Kubernetes takes as the value of a label: ASCII
// letters and digits, inside also '-', '_' and '.'.
func isWord(s string, longest int) bool {
	if s == "" || len(s) > longest {
		return false
	}
	for i := range len(s) {
		c := s[i]
		alphanumeric := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		inner := i > 0 && i < len(s)-1 && (c == '-' || c == '_' || c == '.')
		if !alphanumeric && !inner {
			return false
		}
	}
	return true
}
