package xds

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/coastwise/coastwise/translate/envoy"
)

var shortTypes = map[string]string{
	"CDS": envoy.ClusterType, "EDS": envoy.EndpointType,
	"LDS": envoy.ListenerType, "RDS": envoy.RouteType,
}

func shortType(url string) string {
	for short, long := range shortTypes {
		if long == url {
			return short
		}
	}
	return url
}

// world is a Source in memory. Once it was given away it is not changed: edit a clone.
type world struct {
	resources map[string]map[string]*envoy.Resource
	// needs is which clusters a listener or route names.
	needs map[string][]string
}

func newWorld() *world {
	w := &world{resources: map[string]map[string]*envoy.Resource{}, needs: map[string][]string{}}
	for _, url := range shortTypes {
		w.resources[url] = map[string]*envoy.Resource{}
	}
	return w
}

func (w *world) clone() *world {
	c := newWorld()
	for url, m := range w.resources {
		c.resources[url] = maps.Clone(m)
	}
	c.needs = maps.Clone(w.needs)
	return c
}

func (w *world) set(url, name, version string, needs ...string) {
	body := name + "=" + version + " " + strings.Join(needs, ",")
	w.resources[url][name] = &envoy.Resource{TypeURL: url, Name: name, Version: version, Body: []byte(body)}
	if len(needs) > 0 {
		w.needs[name+"="+version] = needs
	}
}

func (w *world) Names(url string) []string {
	if url != envoy.ClusterType && url != envoy.ListenerType {
		return nil
	}
	return slices.Sorted(maps.Keys(w.resources[url]))
}

func (w *world) Get(url, name string) *envoy.Resource { return w.resources[url][name] }

// diff is the Update from one world to another, as a Hub would hint it.
func diff(from, to *world, since time.Time) *Update {
	u := &Update{Source: to, Since: since}
	for _, url := range []string{envoy.ClusterType, envoy.EndpointType} {
		for name := range both(from.resources[url], to.resources[url]) {
			a, b := from.Get(url, name), to.Get(url, name)
			if (a == nil) != (b == nil) {
				u.Scope = true
			} else if a.Version != b.Version {
				u.Names = append(u.Names, name)
			}
		}
	}
	for _, url := range []string{envoy.ListenerType, envoy.RouteType} {
		for name := range both(from.resources[url], to.resources[url]) {
			a, b := from.Get(url, name), to.Get(url, name)
			if (a == nil) != (b == nil) || a.Version != b.Version {
				u.Scope = true
			}
		}
	}
	return u
}

func both(a, b map[string]*envoy.Resource) map[string]bool {
	out := map[string]bool{}
	for name := range a {
		out[name] = true
	}
	for name := range b {
		out[name] = true
	}
	return out
}
