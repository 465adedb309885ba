package workload

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// other changes a value of any type that stands in the structs of this package.
func other(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Uint32:
		v.SetUint(v.Uint() + 1)
	case reflect.Int:
		v.SetInt(v.Int() + 1)
	case reflect.Slice:
		v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
	case reflect.Struct:
		other(t, v.Field(0))
	default:
		t.Fatalf("a field of kind %s", v.Kind())
	}
}

// What differs in any one field is not equal, so that no change is lost on the way to
// ztunnels.
func TestEqualComparesAll(t *testing.T) {
	for i := range reflect.TypeFor[Member]().NumField() {
		m := member(true, true)
		if !m.Equal(member(true, true)) {
			t.Fatal("it does not equal itself")
		}
		other(t, reflect.ValueOf(&m).Elem().Field(i))
		if m.Equal(member(true, true)) {
			t.Errorf("Member.%s is not compared", reflect.TypeFor[Member]().Field(i).Name)
		}
	}
	if (*Waypoint)(nil).Equal(&Waypoint{}) || (&Waypoint{}).Equal(nil) || !(*Waypoint)(nil).Equal(nil) {
		t.Error("none is not some")
	}
	for i := range reflect.TypeFor[Waypoint]().NumField() {
		var w Waypoint
		if !w.Equal(&Waypoint{}) {
			t.Fatal("it does not equal itself")
		}
		other(t, reflect.ValueOf(&w).Elem().Field(i))
		if w.Equal(&Waypoint{}) {
			t.Errorf("Waypoint.%s is not compared", reflect.TypeFor[Waypoint]().Field(i).Name)
		}
	}
}

// endpoints are of slice web-1, with the last byte of their address and a state each.
func endpoints(states ...model.State) []model.Endpoint {
	var out []model.Endpoint
	for i, state := range states {
		out = append(out, model.Endpoint{
			Address: fmt.Sprint("10.0.0.", i), Additional: []string{fmt.Sprint("fd00::", i)}, Port: 8080, State: state, Weight: 3, Node: "n", Network: "net",
			Locality: model.Locality{Region: "eu", Zone: "eu-1"}, Workload: model.WorkloadName{Kind: model.SliceWorkload, Namespace: "shop", Name: "web-1"},
		})
	}
	return out
}

// What a service says of the workloads behind it: their place, its ports, and whether it
// would send to them at any (semantics 7).
func TestMembers(t *testing.T) {
	way := model.GatewayName{Namespace: "shop", Name: "way"}
	s := &model.Service{Key: model.ServiceKey("shop", "web"), Name: "web", Waypoint: way, Ports: []model.Port{
		{Number: 80, Protocol: model.ProtocolHTTP, Endpoints: endpoints(model.Ready, model.Unready, model.Serving, model.Serving)},
		{Number: 90, Endpoints: endpoints(model.Unready, model.Unready, model.Serving)},
	}}
	s.Ports[0].Endpoints = append(s.Ports[0].Endpoints, model.Endpoint{Address: "a.example"}) // which DNS resolves
	part, err := NewPart(s, ingest.Objects{Service: &corev1.Service{}}, nil)
	if err != nil || part.Waypoint != way || len(part.Members) != 4 {
		t.Fatalf("%+v %v", part, err)
	}
	for i, ready := range []bool{true, false, true} { // the last where nothing else is
		e := s.Ports[0].Endpoints[i]
		got := part.Members[ID{e.Workload, e.Address}]
		want := Member{
			Service: "shop/web.shop.svc.cluster.local", Ports: []PortPair{{80, 8080, model.ProtocolHTTP}, {90, 8080, ""}}, Votes: true, Ready: ready,
			Address: e.Address, Additional: e.Additional, Place: e.Locality, Node: "n", Network: "net", Weight: 3, Waypoint: way,
		}
		if !got.Equal(want) {
			t.Errorf("%+v\nwant %+v", got, want)
		}
	}
	// The fourth is behind port 80 alone, where another is ready.
	if e := s.Ports[0].Endpoints[3]; part.Members[ID{e.Workload, e.Address}].Ready {
		t.Error("what leaves is sent to though another is ready")
	}
	if part, _ = NewPart(nil, ingest.Objects{}, nil); part.Service != nil || part.Members != nil {
		t.Errorf("of no service: %+v", part)
	}
	silent := &corev1.Service{Spec: corev1.ServiceSpec{PublishNotReadyAddresses: true}}
	if part, err = NewPart(s, ingest.Objects{Service: silent}, nil); err != nil {
		t.Fatal(err)
	}
	for id, m := range part.Members {
		if m.Votes {
			t.Errorf("a service that asks for no readiness has a word on %v", id)
		}
	}
	if part, err = NewPart(s, ingest.Objects{}, nil); err != nil || !part.Members[ID{s.Ports[0].Endpoints[0].Workload, "10.0.0.0"}].Votes {
		t.Errorf("an entry has a word: %+v %v", part, err)
	}
}

// Touched are those that came, went or are another, in order.
func TestTouched(t *testing.T) {
	id := func(name string) ID { return podID(name) }
	same, changed := member(true, true), member(false, true)
	was := &Part{Members: map[ID]Member{id("a"): same, id("b"): same, id("d"): same, id("e"): same}}
	is := &Part{Members: map[ID]Member{id("a"): same, id("b"): changed, id("c"): same, id("e"): same}}
	for name, c := range map[string]struct {
		was, is *Part
		want    []ID
	}{
		"both":    {was, is, []ID{id("b"), id("c"), id("d")}},
		"it came": {nil, is, []ID{id("a"), id("b"), id("c"), id("e")}},
		"it went": {was, nil, []ID{id("a"), id("b"), id("d"), id("e")}},
		"neither": {nil, nil, nil},
		"equal":   {was, was, nil},
	} {
		if got := Touched(c.was, c.is); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// For what a Gateway is a waypoint: our label before Istio's.
func TestNewWaypoint(t *testing.T) {
	g := &model.GatewayObject{GatewayName: model.GatewayName{Namespace: "shop", Name: "way"}, Addresses: []string{"10.96.0.9"}}
	g.Waypoint.Form, g.Waypoint.Port = model.HBONE, 15008
	for _, c := range []struct {
		labels             map[string]string
		workloads, enforce bool
	}{
		{nil, false, false},
		{map[string]string{waypointFor: "service"}, false, false},
		{map[string]string{waypointFor: "workload", EnforceWaypoint: "true"}, true, true},
		{map[string]string{waypointFor: "all", EnforceWaypoint: "yes"}, true, false},
		{map[string]string{waypointForIstio: "all"}, true, false},
		{map[string]string{waypointFor: "none", waypointForIstio: "all"}, false, false},
	} {
		got := NewWaypoint(g, &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Labels: c.labels}}, "net", []string{"sa"})
		want := &Waypoint{
			GatewayName: g.GatewayName, Network: "net", Addresses: g.Addresses, Form: model.HBONE, Port: 15008,
			Workloads: c.workloads, Enforce: c.enforce, Accounts: []string{"sa"},
		}
		if !got.Equal(want) {
			t.Errorf("%v: %+v", c.labels, got)
		}
	}
}
