package snapshot

import (
	"slices"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// endsHBONE says that the client is a waypoint that ends tunnels itself, and can: it
// has a valid Gateway, an address, internal listeners and a certificate. Without them it
// gets neither a listener nor a cluster of tunnels, for whose secret its Envoy would wait.
func (v *View) endsHBONE() bool {
	if !v.class.proxy.HBONE || v.certificate == (model.Certificate{}) || !v.internal || v.listen.Bind == "" {
		return false
	}
	g := v.snap.gatewayOf(v.class.proxy)
	return g != nil && g.Waypoint.Port != 0 && g.Waypoint.Form == model.HBONE
}

// hboneListeners and hboneClusters are those that are no service's.
func hboneListeners() []string { return []string{envoy.ConnectOriginate, envoy.ConnectTerminate} }

func hboneClusters() []string { return []string{envoy.ConnectOriginate, envoy.MainInternal} }

// hboneListener is one of hboneListeners; nil where the client has none.
func (v *View) hboneListener(name string) *envoy.Resource {
	if !slices.Contains(hboneListeners(), name) || !v.endsHBONE() {
		return nil
	}
	key := entranceKey{name: name, bind: v.listen.Bind, port: v.snap.gatewayOf(v.class.proxy).Waypoint.Port}
	return v.set.entrances.fixed(key, func() (envoy.Resource, error) {
		return envoy.HBONEListener(name, key.bind, key.port, v.snap.domain)
	})
}

// hboneCluster is one of hboneClusters; nil where the client has none.
func (v *View) hboneCluster(name string) *envoy.Resource {
	if !slices.Contains(hboneClusters(), name) || !v.endsHBONE() {
		return nil
	}
	return v.set.entrances.fixed(entranceKey{name: name, rest: true}, func() (envoy.Resource, error) {
		return envoy.HBONECluster(name, v.snap.domain)
	})
}

// fixed builds what hangs on its key alone, once; nil if it may not be sent.
func (x *entrances) fixed(key entranceKey, build func() (envoy.Resource, error)) *envoy.Resource {
	key.picked = "fixed" // no selector is called so
	x.mu.Lock()
	defer x.mu.Unlock()
	return frozen(once(x.memo, key, func() (envoy.Resource, error) { return validated(build()) }))
}

// tunnelNames are the clusters of direct tunnels of some services, sorted.
func tunnelNames(services []*model.Service) []string {
	var out []string
	for _, s := range services {
		for _, port := range s.Ports {
			if s.Direct(port) {
				out = append(out, envoy.TunnelName(port.Number, "", s.Host))
			}
		}
	}
	slices.Sort(out)
	return out
}

// secret is what the client itself says where it keeps; nil for other names.
func (v *View) secret(name string) *envoy.Resource {
	r, err := validated(envoy.TunnelSecret(v.certificate, name, v.attempts%2 == 1))
	if err != nil || r.Name == "" {
		return nil
	}
	return &r
}

// sameTunnels says that two forms of a service have direct tunnels at the same ports.
func sameTunnels(was, is *model.Service) bool {
	return slices.Equal(tunnelNames([]*model.Service{was}), tunnelNames([]*model.Service{is}))
}
