package snapshot

import (
	"strings"
	"time"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// identity is who a stream is once its claims were checked.
type identity struct {
	proxy     model.Proxy
	namespace string // the scope annotation of its Namespace
}

func (i identity) classKey() classKey {
	p := i.proxy
	return classKey{
		scope: Scope{
			Kind: p.Kind, Gateway: p.Gateway, Namespace: p.Namespace,
			Capture: p.Capture && p.Kind == model.Sidecar, Connect: envoy.Connects(p),
			Services: Narrowing{Claim: p.Scope, Namespace: i.namespace},
		},
		locality: p.Locality, node: p.Node, network: p.Network,
		labels: model.FormatLabels(p.Labels), hbone: p.HBONE,
	}
}

// identify derives who a member is from what is known now, and reports claims
// that differ from it. It must be called with the hub's lock.
func (h *Hub) identify(m *Member) identity {
	nodes := h.store.Nodes()
	proxy, differs := translate.Client(m.claims, nodes, h.store.Pod(podOf(m.claims.ID)))
	for _, claim := range differs {
		h.metrics.differs.WithLabelValues(claim).Inc()
		h.log.Warn("a claim differs from what is known of the proxy", "proxy", m.claims.ID, "claim", claim,
			"claimed", m.claims.Locality.String(), "known", proxy.Locality.String(), "node", proxy.Node)
	}
	unknown := translate.UnknownPlace(proxy.Locality, nodes)
	m.told = claimProblems(m, proxy, differs, unknown)
	if unknown {
		h.metrics.unknownPlace.Inc()
		h.log.Warn("no Node has the proxy's region or zone", "proxy", m.claims.ID, "locality", proxy.Locality.String())
	}
	if g := h.snap.Load().gatewayOf(proxy); g != nil && proxy.Kind == model.Waypoint {
		proxy.HBONE = g.Waypoint.Form == model.HBONE
	}
	return identity{proxy: proxy, namespace: translate.NamespaceScope(h.store.Namespace(proxy.Namespace))}
}

// reidentify moves the members whose Pod, Node, Namespace or Gateway changed to the class
// that they belong to now.
func (h *Hub) reidentify(d store.Dirty) {
	for m := range h.affected(d) {
		id := h.identify(m)
		if id.classKey() == m.class.key {
			continue
		}
		left := m.class
		h.leaveClass(m)
		if err := h.enter(m, id); err != nil { // only if the new scope's routes cannot be built
			h.log.Error("a proxy keeps its former place", "proxy", m.claims.ID, "err", err)
			h.enterKnown(m, left)
			continue
		}
		m.mark(nil, true, true, d.Since)
	}
}

// enterKnown puts a member back into a class that it has just left.
func (h *Hub) enterKnown(m *Member, c *class) {
	former := identity{proxy: m.proxy, namespace: c.key.scope.Services.Namespace}
	if err := h.enter(m, former); err != nil {
		h.log.Error("a proxy lost its place until its next change", "proxy", m.claims.ID, "err", err)
	}
}

// affected is every member whose identity may hang on what changed.
func (h *Hub) affected(d store.Dirty) map[*Member]struct{} {
	if d.Nodes {
		return h.members
	}
	out := map[*Member]struct{}{}
	for _, pod := range d.Pods {
		for m := range h.byPod[pod] {
			out[m] = struct{}{}
		}
	}
	if len(d.Namespaces)+len(d.Gateways) == 0 {
		return out
	}
	for m := range h.members {
		for _, g := range d.Gateways {
			if m.claims.Gateway == g.String() {
				out[m] = struct{}{}
			}
		}
		for _, ns := range d.Namespaces {
			if m.proxy.Namespace == ns {
				out[m] = struct{}{}
			}
		}
	}
	return out
}

// podOf is the pod that a proxy's id names: NAMESPACE/NAME.
func podOf(id string) ingest.PodName {
	namespace, name, _ := strings.Cut(id, "/")
	return ingest.PodName{Namespace: namespace, Name: name}
}

// settle is how long a change that would empty a service waits for its
// counterpart: an endpoint that moves between slices.
const settle = 50 * time.Millisecond
