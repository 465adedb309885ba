package snapshot

import (
	"strings"
	"sync"

	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// entrances are the listeners by which connections come to all services of one scope, or
// to those attached to its waypoint. What hangs on the client is where it listens, and
// which policies its labels pick. The memo only grows, by pure functions of its key, and
// goes with the ScopeSet.
type entrances struct {
	scope    Scope
	services []*model.Service // that have chains, by precedence
	problems []model.Problem
	alone    []uint32 // the HTTP ports that some have at any address

	mu   sync.Mutex
	memo map[entranceKey]*envoy.Resource // nil: it may not be sent
}

type entranceKey struct {
	name, bind string
	port       uint32
	rest       bool
	picked     string
}

func newEntrances(scope Scope, services []*model.Service) *entrances {
	x := &entrances{scope: scope, services: services, memo: map[entranceKey]*envoy.Resource{}}
	if scope.Kind == model.Waypoint {
		x.services = translate.Attached(services, scope.Gateway)
	}
	if x.shared() {
		chains, problems := translate.Chains(x.services, x.captured(), func(*model.Service, uint32) model.PolicyID { return 0 })
		x.problems, x.alone = problems, envoy.AlonePorts(chains)
	}
	return x
}

// shared says that the scope's clients may have such a listener.
func (x *entrances) shared() bool {
	return x.scope.Kind == model.Waypoint || x.captured()
}

// captured says that the connections are the clients' own.
func (x *entrances) captured() bool { return x.scope.Capture || x.scope.Connect }

// entrances are those of the client.
func (v *View) entrances() []envoy.Entrance {
	if v.class.proxy.Kind == model.Waypoint {
		return v.waypointEntrances()
	}
	return v.sidecarEntrances()
}

// waypointEntrances are none where the waypoint's Gateway is not there or not valid, and
// one for connections by a ztunnel in front of it, or for tunnels that it ended itself.
func (v *View) waypointEntrances() []envoy.Entrance {
	g := v.snap.gatewayOf(v.class.proxy)
	if g == nil || g.Waypoint.Port == 0 || v.listen.Bind == "" || g.Waypoint.Form != model.Plain && !v.endsHBONE() {
		return nil
	}
	return []envoy.Entrance{translate.WaypointEntrance(g.Waypoint, v.listen.Bind)}
}

// entrance finds one of the client's by name.
func (v *View) entrance(name string) (envoy.Entrance, bool) {
	for _, e := range v.entrances() {
		if e.Name == name {
			return e, true
		}
	}
	return envoy.Entrance{}, false
}

// entranceListener is the listener with the chains that the client has; nil if it may not
// be sent.
func (v *View) entranceListener(e envoy.Entrance) *envoy.Resource {
	return frozen(v.set.entrances.get(e, v.class))
}

// get builds a listener, once; nil if it may not be sent.
func (x *entrances) get(e envoy.Entrance, c *class) *envoy.Resource {
	key := entranceKey{e.Name, e.Bind, e.Port, e.Rest != nil, x.picked(c.proxy)}
	x.mu.Lock()
	defer x.mu.Unlock()
	return once(x.memo, key, func() (envoy.Resource, error) { return validated(e.Listener(x.chains(c))) })
}

// chains are as a client has them.
func (x *entrances) chains(c *class) []envoy.Chain {
	chains, _ := translate.Chains(x.services, x.captured(), func(s *model.Service, port uint32) model.PolicyID {
		return s.PolicyID(c.proxy, port, "")
	})
	return chains
}

// forgiven are the listeners, and the routes of ports alone, whose refusals a new set
// forgets.
func (x *entrances) forgiven() func(func(refusedKey) bool) {
	return func(yield func(refusedKey) bool) {
		for _, name := range []string{
			envoy.WaypointListener, envoy.CaptureListener, envoy.OutboundListener, envoy.InboundListener,
			envoy.MainInternal, envoy.ConnectTerminate, envoy.ConnectOriginate,
		} {
			if !yield(refusedKey{typeURL: envoy.ListenerType, name: name}) {
				return
			}
		}
		for _, port := range x.alone {
			if !yield(refusedKey{typeURL: envoy.RouteType, name: envoy.AloneName(port)}) {
				return
			}
		}
	}
}

// picked names every workloadSelector that a client's labels match; "" for none.
func (x *entrances) picked(p model.Proxy) string {
	var out strings.Builder
	for _, s := range x.services {
		for _, sel := range s.Selectors[p.Namespace] {
			if sel.Matches(p.Labels) {
				out.WriteString(s.Host + " " + sel.Text + "\n")
			}
		}
	}
	return out.String()
}
