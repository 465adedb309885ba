package snapshot

import (
	"maps"
	"slices"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// sameShape says that no scope's set or routes can differ between two forms.
func sameShape(was, is *Entry) bool {
	if was == nil || is == nil {
		return was == is
	}
	return was.Object == is.Object && was.HostField == is.HostField && was.Name == is.Name && was.Created == is.Created &&
		slices.Equal(was.Addresses, is.Addresses) && slices.Equal(was.VIPs, is.VIPs) &&
		slices.Equal(was.Blocks, is.Blocks) && was.Alone() == is.Alone() &&
		was.Waypoint == is.Waypoint && slices.Equal(was.reachedBy(), is.reachedBy()) &&
		slices.Equal(was.ExportTo, is.ExportTo) && sameSubsets(was.Service, is.Service) &&
		slices.EqualFunc(was.Ports, is.Ports, samePort) && sameRouted(was.Service, is.Service) &&
		sameTunnels(was.Service, is.Service) && sameListeners(was.Service, is.Service)
}

func samePort(a, b model.Port) bool {
	return a.Number == b.Number && a.Name == b.Name && a.Protocol == b.Protocol && sameRoutes(a, b)
}

// sameSubsets says that every client has the same subsets of two forms.
func sameSubsets(was, is *model.Service) bool {
	if len(was.Subsets)+len(is.Subsets) == 0 {
		return true
	}
	return maps.EqualFunc(was.Subsets, is.Subsets, slices.Equal) &&
		sameClasses(was.Lookup, is.Lookup) && sameClasses(is.Lookup, was.Lookup)
}

// sameClasses says that a service tells no class of clients apart that the other
// does not.
func sameClasses(a, b map[model.PolicyKey]model.PolicyID) bool {
	for key := range a {
		if _, ok := b[key]; !ok {
			return false
		}
	}
	return true
}

// handOver marks, for the members of a scope, the clusters of hosts that another
// entry declares there now: that neither entry differs from before says nothing.
func (h *Hub) handOver(ms marks, scope *scopeState, old, next *Snapshot) {
	was, is := old.Scopes[scope.scope], next.Scopes[scope.scope]
	for host, key := range is.hosts {
		before, had := was.hosts[host]
		if !had || before == key {
			continue
		}
		for _, at := range clustersOf(old.Entries[before], next.Entries[key]) {
			name := envoy.ClusterName(at.port, at.subset, host)
			h.forgive(name)
			for c := range scope.classes {
				for m := range c.streams {
					if _, watching := h.watchers[name][m]; watching || m.wild {
						ms[m] = append(ms[m], name)
					}
				}
			}
		}
	}
}
