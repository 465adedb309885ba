package snapshot

import (
	"fmt"
	"slices"

	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// ProxyProblems are the Problems that concern single proxies, by their ids: what one
// claims and does not get, and ports that it wants for two things. What it refused is not
// among them. All but NoNode are among Problems too, where they stand once for all proxies.
func (h *Hub) ProxyProblems() map[string][]model.Problem {
	h.mu.Lock()
	defer h.mu.Unlock()
	snap := h.snap.Load()
	nowhere := withoutNode(snap)
	out := map[string][]model.Problem{}
	for m := range h.members {
		problems := memberProblems(m, snap)
		if m.proxy.Node == "" {
			keys := snap.Scopes[m.class.key.scope].Keys
			for key, told := range nowhere {
				if _, sees := slices.BinarySearchFunc(keys, key, model.Key.Compare); sees {
					problems = append(problems, told...)
				}
			}
		}
		if len(problems) > 0 {
			out[m.claims.ID] = model.SortProblems(append(out[m.claims.ID], problems...))
		}
	}
	return out
}

// Rejected is the Problem of a NACK, on the object behind the resource.
func (h *Hub) Rejected(r Refusal) model.Problem {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rejected(r)
}

// withoutNode are the NoNode problems of services.
func withoutNode(snap *Snapshot) map[model.Key][]model.Problem {
	out := map[model.Key][]model.Problem{}
	for key, e := range snap.Entries {
		for _, p := range e.allProblems() {
			if p.Reason == model.NoNode {
				out[key] = append(out[key], p)
			}
		}
	}
	return out
}

// memberProblems are those of one proxy.
func memberProblems(m *Member, snap *Snapshot) []model.Problem {
	out := slices.Clone(m.told)
	if p := m.claims; p.Gateway != "" && snap.gatewayOf(p) == nil {
		out = append(out, translate.NotRun(p, snap.named(p)))
	}
	out = append(out, hboneProblems(m)...)
	for _, e := range snap.Scopes[m.class.key.scope].explicit.list {
		if e.At == m.claims.HTTPProxyPort {
			out = append(out, translate.ListenerTaken(e))
		}
	}
	return append(out, takenPorts(m, snap)...)
}

// claimProblems tell of claims that differ from what is known, which counts.
func claimProblems(m *Member, known model.Proxy, differs []string, unknownPlace bool) []model.Problem {
	var out []model.Problem
	tell := func(field string, reason model.Reason, format string, args ...any) {
		out = append(out, model.Problem{
			Object: proxyRef(m.claims.ID), Field: field, Severity: model.Warning, Reason: reason, Message: fmt.Sprintf(format, args...),
		})
	}
	for _, claim := range differs {
		switch claim {
		case translate.NodeClaim:
			tell("node.metadata.coastwise.node", model.Conflicted, "the proxy claims Node %s; its Pod is on %s, which counts", m.claims.Node, known.Node)
		case translate.LocalityClaim:
			tell("node.locality", model.Conflicted, "the proxy claims %s; Nodes say %s, which counts", m.claims.Locality, known.Locality)
		case translate.LabelsClaim:
			tell("node.metadata.coastwise.labels", model.Conflicted, "the proxy claims labels that its Pod does not have; those of the Pod count")
		}
	}
	if unknownPlace {
		tell("node.locality", model.TargetNotFound, "no Node is in %s: is it misspelt? No endpoint is taken for local that is not there", known.Locality)
	}
	return out
}

// hboneProblems are those of a waypoint whose Gateway wants it to end HBONE, and that
// cannot.
func hboneProblems(m *Member) []model.Problem {
	var out []model.Problem
	if !m.class.proxy.HBONE {
		return out
	}
	tell := func(field, message string) {
		out = append(out, model.Problem{
			Object: proxyRef(m.claims.ID), Field: "node.metadata.coastwise." + field, Severity: model.Error, Reason: model.ClientCannot,
			Message: "Gateway " + m.claims.Gateway + " has a listener of protocol HBONE, and " + message + "; the waypoint has no listener",
		})
	}
	if m.claims.Certificate == (model.Certificate{}) {
		tell("certificate", "the proxy named no certificate: give bootstrap --ca, --cert and --key")
	}
	if !m.claims.Internal {
		tell("internalListeners", "the proxy's bootstrap has no internal listeners: write it anew")
	}
	return out
}

// takenPorts tell of ports of a Gateway at the edge that its proxy uses for its HTTP proxy
// port, and of declared listeners that lost theirs to the Gateway.
func takenPorts(m *Member, snap *Snapshot) []model.Problem {
	g := snap.gatewayOf(m.class.proxy)
	if g == nil || g.Kind != model.Gateway {
		return nil
	}
	var out []model.Problem
	for _, l := range g.Listeners {
		if l.Port == m.claims.HTTPProxyPort {
			out = append(out, translate.PortTaken(g.GatewayObject, l))
		}
	}
	for _, e := range snap.Scopes[m.class.key.scope].explicit.list {
		if slices.ContainsFunc(g.ports, func(p envoy.GatewayPort) bool { return p.Port == e.At }) {
			out = append(out, translate.ListenerOfGateway(e, g.Object))
		}
	}
	return out
}
