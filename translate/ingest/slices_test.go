package ingest_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

func ipv6(s *discoveryv1.EndpointSlice) *discoveryv1.EndpointSlice {
	s.AddressType = discoveryv1.AddressTypeIPv6
	return s
}

func addresses(p model.Port) []string {
	var out []string
	for _, e := range p.Endpoints {
		out = append(out, fmt.Sprintf("%s:%d", e.Address, e.Port))
	}
	return out
}

// Semantics 2.5: the first family makes the cluster.
func TestFirstFamily(t *testing.T) {
	four, six := slice("a", ep("10.0.0.1", ofPod("p"))), ipv6(slice("b", ep("fd00::1", ofPod("p")), ep("fd00::2", ofPod("q"))))
	for _, c := range []struct {
		name       string
		families   []corev1.IPFamily
		slices     []*discoveryv1.EndpointSlice
		want       []string
		additional []string
	}{
		{"declared", []corev1.IPFamily{"IPv6", "IPv4"}, []*discoveryv1.EndpointSlice{four, six}, []string{"fd00::1:8080", "fd00::2:8080"}, []string{"10.0.0.1"}},
		{"absent, both", nil, []*discoveryv1.EndpointSlice{six, four}, []string{"10.0.0.1:8080"}, []string{"fd00::1"}},
		{"absent, IPv6 only", nil, []*discoveryv1.EndpointSlice{six}, []string{"fd00::1:8080", "fd00::2:8080"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := world(c.slices...)
			o.Service.Spec.IPFamilies = c.families
			port := served(t, o).Ports[0]
			equal(t, addresses(port), c.want)
			equal(t, port.Endpoints[0].Additional, c.additional)
		})
	}
}

// The other address of a pod: one that does not go away, then the first slice's.
func TestAdditionalAddressPreference(t *testing.T) {
	other := func(name, address, c string) *discoveryv1.EndpointSlice {
		return ipv6(slice(name, ep(address, ofPod("p"), conditions(c))))
	}
	o := world(slice("a", ep("10.0.0.1", ofPod("p"))), other("b", "fd00::b", "--+"), other("d", "fd00::d", "+  "), other("c", "FD00::C", "+  "))
	equal(t, first(t, o).Additional, []string{"fd00::c"})
}

// reference/kubernetes.md 2, join.
func TestJoin(t *testing.T) {
	fqdn := slice("fqdn", ep("example.com"))
	fqdn.AddressType = discoveryv1.AddressTypeFQDN
	noNumber := slice("none", ep("10.0.0.9"))
	noNumber.Ports[0].Port = nil
	udp := slice("udp", ep("10.0.0.8"))
	udp.Ports[0].Protocol = ptr(corev1.ProtocolUDP)
	renamed := slice("renamed", ep("10.0.0.7"))
	renamed.Ports[0].Name = ptr("web")
	nine := slice("nine", ep("10.0.0.1"), ep("10.0.0.3"))
	nine.Ports[0].Port = ptr(int32(7070))
	two := ep("10.0.0.2")
	two.Addresses = append(two.Addresses, "10.0.0.22")
	o := world(slice("a", two, ep("10.0.0.1")), fqdn, noNumber, udp, renamed, nine)
	equal(t, addresses(served(t, o).Ports[0]), []string{"10.0.0.1:7070", "10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.3:7070"})
}

// The same address and port twice: not terminating, then slice name, then index.
func TestJoinSameAddressTwice(t *testing.T) {
	a := slice("a", ep("10.0.0.1", onNode("a"), conditions("-++")), ep("10.0.0.2", onNode("a0")), ep("10.0.0.2", onNode("a1")))
	b := slice("b", ep("10.0.0.1", onNode("b"), conditions("-+-")), ep("10.0.0.2", onNode("b")))
	for _, o := range []ingest.Objects{world(a, b), world(b, a)} {
		eps := served(t, o).Ports[0].Endpoints
		if len(eps) != 2 || eps[0].Node != "b" || eps[1].Node != "a0" {
			t.Errorf("%+v", eps)
		}
	}
}

// Ports: TCP only, by number; a slice's unnamed port is the Service's unnamed one.
func TestPorts(t *testing.T) {
	s := slice("a", ep("10.0.0.1"))
	s.Ports = []discoveryv1.EndpointPort{
		{Name: ptr("b"), Port: ptr(int32(2))}, {Name: ptr(""), Port: ptr(int32(3))}, {Name: ptr("u"), Port: ptr(int32(4))},
	}
	o := world(s)
	o.Service.Spec.Ports = []corev1.ServicePort{
		{Name: "b", Port: 90, Protocol: corev1.ProtocolTCP},
		{Port: 80},
		{Name: "u", Port: 70, Protocol: corev1.ProtocolUDP},
		{Name: "c", Port: 100},
	}
	var got []string
	for _, p := range served(t, o).Ports {
		got = append(got, fmt.Sprint(p.Name, p.Number, addresses(p)))
	}
	equal(t, got, []string{"80 [10.0.0.1:3]", "b90 [10.0.0.1:2]", "c100 []"})
}

// Bad input: an address that Envoy would refuse is told and leaves the others.
func TestBadAddress(t *testing.T) {
	none := ep("")
	none.Addresses = nil
	o := world(slice("a", ep("not-an-ip"), ep("fd00::1"), none, ep("10.0.0.1", onNode("n1"))))
	s, ps := ingest.Service(o)
	equal(t, addresses(s.Ports[0]), []string{"10.0.0.1:8080"})
	equal(t, lines(ps), []string{
		"EndpointSlice default/a endpoints[0].addresses error Invalid",
		"EndpointSlice default/a endpoints[1].addresses error Invalid",
		"EndpointSlice default/a endpoints[2].addresses error Invalid",
	})
}

// Semantics 9.4.
func TestAppProtocol(t *testing.T) {
	for _, c := range []struct {
		app, name string
		want      model.AppProtocol
	}{
		{"http", "tcp-x", model.ProtocolHTTP},
		{"https", "http", model.ProtocolTCP},
		{"tcp", "http", model.ProtocolTCP},
		{"kubernetes.io/h2c", "x", model.ProtocolHTTP2},
		{"h2c", "x", model.ProtocolHTTP2},
		{"HTTP2", "x", model.ProtocolHTTP2},
		{"grpc", "x", model.ProtocolGRPC},
		{"kubernetes.io/ws", "x", model.ProtocolHTTP},
		{"kubernetes.io/wss", "x", model.ProtocolTCP},
		{"example.com/own", "grpc-x", model.ProtocolGRPC},
		{"", "http", model.ProtocolHTTP},
		{"", "http2-x", model.ProtocolHTTP2},
		{"", "grpc-web-x", model.ProtocolHTTP},
		{"", "grpc-web", model.ProtocolHTTP},
		{"", "grpc-webby", model.ProtocolGRPC},
		{"", "https-x", model.ProtocolTCP},
		{"", "tls", model.ProtocolTCP},
		{"", "tcp-x", model.ProtocolTCP},
		{"", "httpish", model.ProtocolUndeclared},
		{"", "", model.ProtocolUndeclared},
	} {
		o := world()
		o.Service.Spec.Ports[0].Name = c.name
		if c.app != "" {
			o.Service.Spec.Ports[0].AppProtocol = &c.app
		}
		if got := served(t, o).Ports[0].Protocol; got != c.want {
			t.Errorf("%q %q: %q, want %q", c.app, c.name, got, c.want)
		}
	}
}

// A Service's only port may have no name; the slice's has then none, or an empty one.
func TestPortWithoutAName(t *testing.T) {
	for _, name := range []*string{nil, ptr("")} {
		o := world(slice("a", ep("10.0.0.1")))
		o.Service.Spec.Ports[0].Name = ""
		o.Slices[0].Ports[0].Name = name
		equal(t, first(t, o).Port, uint32(8080))
	}
}
