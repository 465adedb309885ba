package snapshot

import (
	"slices"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// Snapshot is the whole mesh at one revision. Never modified after publishing.
type Snapshot struct {
	Rev     uint64
	Entries map[model.Key]*Entry
	Scopes  map[Scope]*ScopeSet
	Changed []model.Key
	// Gateways are those of our classes; nil for none.
	Gateways map[model.GatewayName]*GatewayEntry
	// registryOnly says that captured connections to unknown destinations are closed.
	registryOnly bool
	// fronting says that some route of a service with a waypoint names backends.
	fronting bool
	// Workloads is nil until a ztunnel has joined.
	Workloads *Workloads
	// domain is the trust domain of the mesh.
	domain string
}

// View is what one proxy class sees of one Snapshot. It answers the stream
// server's questions, all from the same revision.
type View struct {
	snap     *Snapshot
	class    *class
	set      *ScopeSet
	listener *envoy.Resource
	// listen is the client's bind address and HTTP proxy port, as far as it has them.
	listen envoy.Listen
	// certificate and internal are what the client claims of itself.
	certificate model.Certificate
	internal    bool
	attempts    uint // to send its secrets after a refusal
}

// Rev is the revision of the snapshot behind the view.
func (v *View) Rev() uint64 { return v.snap.Rev }

// Names is all that a wildcard means, sorted; nil for types without wildcard.
func (v *View) Names(typeURL string) []string {
	switch typeURL {
	case envoy.ClusterType:
		return v.clusters()
	case envoy.ListenerType:
		if v.set.targets != nil { // never wildcard (reference/xds.md 2, rule 11)
			return nil
		}
		return v.listeners()
	}
	return nil
}

// clusters are the scope's, and the subsets that the class's labels give it.
func (v *View) clusters() []string {
	tunnels := v.endsHBONE()
	if len(v.set.Selected) == 0 && !tunnels {
		return v.set.Clusters
	}
	out := slices.Clone(v.set.Clusters)
	if tunnels {
		out = append(append(out, hboneClusters()...), v.set.tunnels...)
	}
	for _, key := range v.set.Selected {
		entry := v.snap.Entries[key]
		if entry == nil { // its set could not be built anew
			continue
		}
		for _, subset := range v.class.subsetsOf(entry.Service) {
			for _, port := range entry.Ports {
				out = append(out, envoy.ClusterName(port.Number, subset, entry.Host))
			}
		}
	}
	slices.Sort(out)
	return out
}

// Get returns a resource, or nil if it does not exist in this scope.
func (v *View) Get(typeURL, name string) *envoy.Resource {
	if v.set.targets != nil && (typeURL == envoy.ListenerType || typeURL == envoy.RouteType) {
		return v.ofTarget(typeURL, name)
	}
	switch typeURL {
	case envoy.ListenerType:
		return v.ofListener(name)
	case envoy.RouteType:
		return v.ofRoutes(name)
	case envoy.ClusterType:
		if r := v.hboneCluster(name); r != nil {
			return r
		}
		if r := v.fixedCluster(name); r != nil {
			return r
		}
		return v.ofService(typeURL, name)
	case envoy.EndpointType:
		return v.ofService(typeURL, name)
	case envoy.SecretType:
		return v.secret(name)
	}
	return nil
}

// ofListener is the listener of a name, by whichever entrance has it.
func (v *View) ofListener(name string) *envoy.Resource {
	if v.listener != nil && name == v.listener.Name {
		return v.listener
	}
	if v.inbound(name) {
		return v.set.entrances.inbound(v.listen.Bind)
	}
	if e, ok := v.entrance(name); ok {
		return v.entranceListener(e)
	}
	if r := v.hboneListener(name); r != nil {
		return r
	}
	if r := v.edge(envoy.ListenerType, name); r != nil {
		return r
	}
	return v.explicitListener(name)
}

// ofRoutes are the routes of a name.
func (v *View) ofRoutes(name string) *envoy.Resource {
	if name == envoy.RouteName && v.set.Routes.Name != "" {
		return frozen(v.set.picked.routes(v.class, &v.set.Routes))
	}
	if r := v.edge(envoy.RouteType, name); r != nil {
		return r
	}
	if r := v.portRoutes(name); r != nil {
		return r
	}
	if r := v.aloneRoutes(name); r != nil {
		return frozen(r)
	}
	return v.explicitRoutes(name)
}

// ofService is a cluster of a service or its endpoints, those of direct tunnels among
// them.
func (v *View) ofService(typeURL, name string) *envoy.Resource {
	port, subset, host, ok := envoy.ParseClusterName(name)
	if !ok {
		return nil
	}
	key, ok := v.set.find(host)
	entry := v.snap.Entries[key]
	if !ok || entry == nil {
		return nil
	}
	if _, ok := entry.Port(port); !ok || !entry.HasSubset(v.class.proxy, subset) {
		return nil
	}
	enc := entry.encode(v.class, port, subset)
	cluster, endpoints := &enc.built.Cluster, &enc.built.Endpoints
	if envoy.IsTunnelName(name) {
		if !v.endsHBONE() {
			return nil
		}
		cluster, endpoints = &enc.built.Tunnel, &enc.built.TunnelEndpoints
	}
	r := cluster
	if typeURL == envoy.EndpointType {
		r = endpoints
	}
	if enc.err != nil || r.Name == "" {
		return nil
	}
	return frozen(r)
}
