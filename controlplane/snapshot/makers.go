package snapshot

import (
	"slices"

	"github.com/coastwise/coastwise/translate/model"
)

// kindMeshConfig is that of the object that is behind all clusters.
const kindMeshConfig = "MeshConfig"

// makers are the objects behind one entry's resources, by PolicyID: rules, the
// ServiceEntry that declares it, and the routes whose parent it is. Never modified; in no list an object stands twice.
type makers struct {
	// clusters and endpoints: the rule that rules, those of each block and of the
	// subset, and those whose allowedRegions fence it.
	clusters []refs
	// routes and listeners: those of what they carry.
	routes, listeners []refs
	// grpc is routes as gRPC clients have them, which listeners carry nothing for.
	grpc []refs
	// all are those of any policy, whether a client has it or not.
	all refs
	// attached are the HTTPRoutes and GRPCRoutes behind the routes of a port, whatever the
	// policy. gRPC clients do not get them.
	attached map[uint32]refs
}

// made is the entry's makers.
func (e *Entry) made() *makers {
	e.makersOnce.Do(func() {
		var own refs
		if e.HostField != "" {
			own = refs{e.Object}
		}
		m := makers{all: own}
		for id := range e.Policies {
			p := &e.Policies[id]
			grpc := p.For(model.GRPCForm)
			of := clusterMakers(slices.Clip(own), p)
			m.clusters = append(m.clusters, of)
			m.routes = append(m.routes, routeMakers(p, p))
			m.listeners = append(m.listeners, listenerMakers(p))
			m.grpc = append(m.grpc, routeMakers(p, &grpc))
			m.all = slices.Clip(m.all).with(of...)
		}
		for _, port := range e.Ports {
			if of := attached(port); len(of) > 0 {
				if m.attached == nil {
					m.attached = map[uint32]refs{}
				}
				m.attached[port.Number] = of
				m.all = slices.Clip(m.all).with(of...)
			}
		}
		e.makers = m
	})
	return &e.makers
}

// refs are rules, and entries.
type refs []model.ObjectRef

// with adds objects that are such, and not there yet. The MeshConfig is behind
// everything, so nothing needs to say where it took part.
func (r refs) with(objects ...model.ObjectRef) refs {
	for _, o := range objects {
		if o != (model.ObjectRef{}) && o.Kind != kindMeshConfig && !slices.Contains(r, o) {
			r = append(r, o)
		}
	}
	return r
}

func clusterMakers(of refs, p *model.Policy) refs {
	at := &p.At
	of = of.with(p.Rule, p.SubsetFrom.Object, at.LoadBalancer.Object, at.ConnectionPool.Object, at.OutlierDetection.Object,
		at.RetryBudget.Object, at.TLS.Object, at.ProxyProtocol.Object, at.Tunnel.Object)
	if p.Allowed != nil {
		for _, from := range p.Allowed.From {
			of = of.with(from.Object)
		}
	}
	return of
}

// routeMakers are those of what routes read of a policy, which is has in the form
// of the client.
func routeMakers(p, has *model.Policy) refs {
	var of refs
	if has.Cluster.Hash != nil {
		of = of.with(p.At.LoadBalancer.Object)
	}
	if has.Cluster.Tunnel != nil {
		of = of.with(p.At.Tunnel.Object)
	}
	return of
}

// listenerMakers are those of what a listener that carries TCP reads.
func listenerMakers(p *model.Policy) refs {
	of := routeMakers(p, p)
	if p.Cluster.Pool.TCPIdleTimeout != nil {
		of = of.with(p.At.ConnectionPool.Object)
	}
	return of
}
