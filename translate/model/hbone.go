package model

import (
	"fmt"
	"slices"
)

// PortTunnel is where a ztunnel ends the tunnels to the pods behind it.
const PortTunnel = PortHBONE

// Direct says that an HBONE waypoint carries a port's connections straight into a
// tunnel to the pod, where outlier detection sees what fails, and not by way of an
// internal listener, behind which it is blind to TCP (reference/ambient.md 2): a port
// that carries TCP, whose every endpoint has a ztunnel, each at an address of its own,
// of a service that no rule encrypts or tunnels otherwise. It hangs on the service
// alone, so that all clients of the form have the cluster by one name.
func (s *Service) Direct(port Port) bool {
	if port.HTTP() || s.Resolution != Static || len(port.Endpoints) == 0 {
		return false
	}
	for i := range port.Endpoints {
		e := &port.Endpoints[i] // sorted by address
		if !e.HBONE || i > 0 && port.Endpoints[i-1].Address == e.Address {
			return false
		}
	}
	return !slices.ContainsFunc(s.Policies, func(p Policy) bool {
		c := &p.Cluster
		return p.Algorithm == Passthrough || c.TLS != nil || c.ProxyProtocol != NoProxyProtocol || c.Tunnel != nil
	})
}

// Identities are those that the endpoints of a port must show, sorted; none where no
// endpoint has a ztunnel.
func (p Port) Identities() []string {
	var out []string
	for i := range p.Endpoints {
		if id := p.Endpoints[i].Identity; id != "" {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Blind tells of outlier detection that cannot act at an HBONE waypoint: of TCP whose
// connections go by the internal listener.
func (s *Service) Blind(port Port, p Policy) []Problem {
	hidden := slices.ContainsFunc(port.Endpoints, func(e Endpoint) bool { return e.HBONE })
	if port.HTTP() || !hidden || s.Direct(port) || p.Cluster.Outliers == nil || p.At.OutlierDetection == (Place{}) {
		return nil
	}
	return []Problem{cannot(p.At.OutlierDetection, Info, fmt.Sprintf(
		"%s port %d: a waypoint that ends HBONE itself does not see which endpoint behind a ztunnel fails, and ejects none of those; "+
			"it does where the port is TCP, each endpoint has a ztunnel and an address of its own, and no rule encrypts or tunnels the service", s.Host, port.Number))}
}

// SPIFFE is the identity of a service account: spiffe://DOMAIN/ns/NS/sa/ACCOUNT.
func SPIFFE(domain, namespace, account string) string {
	return "spiffe://" + domain + "/ns/" + namespace + "/sa/" + account
}
