package main

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/protobuf/proto"

	"github.com/coastwise/coastwise/controlplane/snapshot"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// attachedServices is how many a waypoint has.
const attachedServices = 1000

// attached is n services of 30 endpoints that all go through one waypoint.
func attached(n int) *store.Store {
	st := store.New()
	g := &gatewayv1.Gateway{}
	g.Namespace, g.Name = "default", "wp"
	g.Spec.GatewayClassName = model.WaypointClass
	g.Spec.Listeners = []gatewayv1.Listener{{Name: "mesh", Protocol: model.ProtocolPROXY, Port: model.PortPROXY}}
	changes := []store.Change{{Ref: model.ObjectRef{Kind: "Gateway", Namespace: "default", Name: "wp"}, Object: g}}
	for i := range n {
		changes = append(changes, changesOf(fmt.Sprint("s", i), 30)...)
		s := changes[len(changes)-2-len(zones)-1].Object.(*corev1.Service)
		s.Labels = map[string]string{model.UseWaypoint: "wp"}
		s.Spec.ClusterIP = fmt.Sprintf("10.96.%d.%d", i>>8, i&255)
	}
	st.Apply(changes)
	return st
}

func waypointIn(zone string) model.Proxy {
	p := clientIn(zone)
	p.ID, p.Kind, p.Gateway, p.HTTPProxyPort, p.Internal = "default/wp-0", model.Waypoint, "default/wp", 0, true
	return p
}

// configure gives a client all that it asks for at first: clusters, endpoints, listeners and
// the routes that these name. It is the number of bytes.
func configure(h *snapshot.Hub, p model.Proxy) (*snapshot.Member, int) {
	m, err := h.Join(p)
	if err != nil {
		panic(err)
	}
	m.WatchAll(true)
	view, bytes := m.Take().View, 0
	get := func(typeURL, name string) *envoy.Resource {
		r := view.Get(typeURL, name)
		if r == nil {
			panic("no " + typeURL + " " + name)
		}
		bytes += len(r.Body)
		return r
	}
	for _, name := range view.Names(envoy.ClusterType) {
		get(envoy.ClusterType, name)
		if view.Get(envoy.EndpointType, name) != nil {
			get(envoy.EndpointType, name)
		}
	}
	for _, name := range view.Names(envoy.ListenerType) {
		for _, routes := range routesOf(get(envoy.ListenerType, name)) {
			get(envoy.RouteType, routes)
		}
	}
	return m, bytes
}

// routesOf are the names of the routes that a listener's chains want.
func routesOf(r *envoy.Resource) []string {
	l := new(listenerv3.Listener)
	if err := proto.Unmarshal(r.Body, l); err != nil {
		panic(err)
	}
	var out []string
	for _, chain := range l.GetFilterChains() {
		for _, f := range chain.GetFilters() {
			hcm := new(hcmv3.HttpConnectionManager)
			if f.GetTypedConfig().UnmarshalTo(hcm) == nil {
				out = append(out, hcm.GetRds().GetRouteConfigName())
			}
		}
	}
	return out
}

func newHub(st *store.Store) *snapshot.Hub {
	h := snapshot.New(st, 0, slog.New(slog.NewTextHandler(io.Discard, nil)))
	st.SetMesh(true, false) // so that all is marked anew
	st.SetMesh(false, false)
	h.Publish(time.Now())
	return h
}

// waypoints is the first configuration of a waypoint with 1,000 services, and one update
// of an endpoint, each beside a sidecar's.
func waypoints() []row {
	st := attached(attachedServices)
	var first, update [2]time.Duration
	for round := range rounds {
		for i, p := range []model.Proxy{waypointIn("z1"), clientIn("z1")} {
			h := newHub(st)
			start := time.Now()
			_, bytes := configure(h, p)
			took := time.Since(start)
			if bytes == 0 {
				panic("nothing was sent")
			}
			m := &mesh{store: st, hub: h}
			start = time.Now()
			const turns = 50
			for range turns {
				m.change()
			}
			each := time.Since(start) / turns
			if round == 0 || took < first[i] {
				first[i] = took
			}
			if round == 0 || each < update[i] {
				update[i] = each
			}
		}
	}
	return []row{
		{what: "first configuration of a waypoint with 1,000 services", against: "that of a sidecar", bound: 4, cost: first[0], floor: first[1]},
		{what: "publish 1 endpoint to that waypoint", against: "to that sidecar", bound: 2, cost: update[0], floor: update[1]},
	}
}
