package snapshot

import (
	"strings"
	"testing"
	"time"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// A service that leaves a waypoint leaves its clusters there for a while, with those of
// its routes, and no chain; when it comes back it is as if it had never gone.
func TestFormerWaypointServesOn(t *testing.T) {
	h, st := newHub(t, gatewayOf(model.ProtocolPROXY, model.PortPROXY), withWaypoint("one", "10.96.0.1"), withWaypoint("two", "10.96.0.2"),
		service("canary"), routeBetween("one", "canary"))
	h.Linger(time.Minute)
	m := join(t, h, waypointProxy("wp-0"))
	clusters := func() string { return strings.Join(m.Take().View.Names(envoy.ClusterType), " ") }
	all := strings.Join([]string{cluster("canary"), cluster("one"), cluster("two")}, " ")
	if got := clusters(); got != all {
		t.Fatalf("at first: %s", got)
	}
	listener := version(m, envoy.ListenerType, envoy.WaypointListener)
	now := time.Now()
	at := func(after time.Duration, changes ...store.Change) {
		st.Apply(changes)
		h.Publish(now.Add(after))
	}
	at(0, service("one"))
	if got := clusters(); got != all {
		t.Errorf("just after it left: %s", got)
	}
	if version(m, envoy.RouteType, cluster("one")) == "" {
		t.Error("its routes went at once")
	}
	if version(m, envoy.ListenerType, envoy.WaypointListener) == listener {
		t.Error("it still has a chain")
	}
	at(59*time.Second, endpointSlice("one", "one-x", "a", "10.0.0.1"))
	if got := clusters(); got != all {
		t.Errorf("after 59 s: %s", got)
	}
	at(61*time.Second, endpointSlice("one", "one-x", "a", "10.0.0.2"), endpointSlice("canary", "canary-x", "a", "10.0.0.3"))
	if got := clusters(); got != cluster("two") {
		t.Errorf("after 61 s: %s", got)
	}
	at(62*time.Second, withWaypoint("one", "10.96.0.1"))
	if got := clusters(); got != all || version(m, envoy.ListenerType, envoy.WaypointListener) != listener {
		t.Errorf("when it is back: %s", got)
	}
	at(63*time.Second, gone(withWaypoint("one", "10.96.0.1")))
	if got := clusters(); strings.Contains(got, cluster("one")) {
		t.Errorf("it is deleted: %s", got)
	}
}
