package observe

import "fmt"

// listens is the status of a request at the site's own listener.
func listens(s *Site) (string, error) {
	at := fmt.Sprintf("%s:%d", s.world.flags[s.Client].Bind, s.listens)
	resp, err := s.http.Get("http://" + at + "/")
	return statusOf(answerOf(resp, err)), nil
}

// hinted are endpoints of the first two zones, each with a hint for the zone.
func hinted(first, second string) []Endpoint {
	var out []Endpoint
	for zone, hint := range []string{first, second} {
		out = append(out, bare(zone, 0, fmt.Sprintf("zone: %s, nodeName: node-%[1]s, hints: {forZones: [{name: %s}]}", zones[zone].Zone, hint)))
	}
	return out
}

func services() []Observation {
	spec := func(names ...string) []string { return rows("Service spec.", names) }
	annotation := func(name string) []string { return []string{"Service metadata.annotations[" + name + "]"} }
	proto := func(a Answer) string { return a.Proto }
	port81 := asked(Request{Host: "NAME.default:81"}, statusOf)
	out := []Observation{
		{
			Name: "service-name", Rows: rows("Service metadata.", []string{"name"}), Measure: asked(Request{Host: "service-name-with.default"}, statusOf),
			With:    Side{Want: "200"},
			Without: Side{Client: "narrow", Want: "502"}, // it sees another name alone
		},
		{
			Name: "service-namespace", Rows: rows("Service metadata.", []string{"namespace"}), Measure: asked(Request{Host: "NAME"}, statusOf),
			With:    Side{Want: "200"},
			Without: Side{Client: "other", Want: "502"}, // in its own namespace is none of this name
		},
		{
			Name: "service-proxy-name", Rows: rows("Service metadata.", []string{"labels[service.kubernetes.io/service-proxy-name]"}), Measure: asked(plain, statusOf),
			With:    Side{Labels: "service.kubernetes.io/service-proxy-name: somebody", Want: "502"},
			Without: Side{Labels: "service.kubernetes.io/service-proxy-name: coastwise", Want: "200"},
		},
		{
			Name: "service-port", Rows: spec("ports[].port"), Measure: port81,
			With:    Side{Ports: "[{name: http, port: 81, appProtocol: http}]", Want: "200"},
			Without: Side{Ports: "[{name: http, port: 80, appProtocol: http}]", Want: "502"},
		},
		{
			Name: "service-port-name", Rows: spec("ports[].name"), Measure: asked(plain, proto),
			With:    Side{Ports: "[{name: http2-web, port: 80}]", Slice: SliceShape{PortName: "http2-web"}, Want: "HTTP/2.0"},
			Without: Side{Ports: "[{name: http-web, port: 80}]", Slice: SliceShape{PortName: "http-web"}, Want: "HTTP/1.1"},
		},
		{
			Name: "service-app-protocol", Rows: spec("ports[].appProtocol"), Measure: asked(plain, proto),
			With:    Side{Ports: "[{name: http, port: 80, appProtocol: kubernetes.io/h2c}]", Want: "HTTP/2.0"},
			Without: Side{Ports: "[{name: http, port: 80}]", Want: "HTTP/1.1"},
		},
		{
			Name: "service-protocol", Rows: spec("ports[].protocol"), Measure: asked(plain, statusOf),
			With:    Side{Ports: "[{name: http, port: 80, protocol: UDP}]", Want: "502"},
			Without: Side{Ports: "[{name: http, port: 80, protocol: TCP}]", Want: "200"},
		},
		{
			Name: "service-families", Rows: spec("ipFamilies"), Measure: asked(plain, endpointOf),
			With:    Side{Spec: "ipFamilies: [IPv6, IPv4]", Endpoints: inFirstZone(1), More: sixth, Want: "::1"},
			Without: Side{Spec: "ipFamilies: [IPv4, IPv6]", Endpoints: inFirstZone(1), More: sixth, Want: "IP-0-0"},
		},
		{
			Name: "service-local", Rows: spec("internalTrafficPolicy"), Measure: reached(plain),
			With:    Side{Spec: "internalTrafficPolicy: Local", Endpoints: oneEach(3), Want: "eu-1"},
			Without: Side{Endpoints: oneEach(3), Want: "eu-1 eu-2 us-1"},
		},
		{
			Name: "service-distribution", Rows: spec("trafficDistribution"), Measure: reached(plain),
			With:    Side{Spec: "trafficDistribution: PreferSameZone", Endpoints: oneEach(3), Want: "eu-1"},
			Without: Side{Endpoints: oneEach(3), Want: "eu-1 eu-2 us-1"},
		},
		{
			Name: "service-affinity", Rows: spec("sessionAffinity"), Measure: spread(plain),
			With:    Side{Spec: "sessionAffinity: ClientIP", Endpoints: inFirstZone(4), Want: "one endpoint"},
			Without: Side{Endpoints: inFirstZone(4), Want: "several endpoints"},
		},
		{
			Name: "listen", Rows: annotation("networking.coastwise.dev/listen"), Measure: listens,
			With:    Side{Annotations: "networking.coastwise.dev/listen: 'http=LISTENS'", Want: "200"},
			Without: Side{Want: "no answer"},
		},
		{
			Name: "scope", Rows: []string{"Namespace metadata.annotations[networking.coastwise.dev/scope]"}, Measure: asked(plain, statusOf),
			With:    Side{Client: "narrow", Want: "502"}, // its Namespace names scope-without alone
			Without: Side{Client: "narrow", Want: "200"},
		},
	}
	for _, c := range []struct{ name, key string }{{"service-export", "networking.coastwise.dev/export-to"}, {"service-export-istio", "networking.istio.io/exportTo"}} {
		out = append(out, Observation{
			Name: c.name, Rows: annotation(c.key), Measure: asked(plain, statusOf),
			With:    Side{Client: "other", Annotations: c.key + ": elsewhere", Want: "502"},
			Without: Side{Client: "other", Annotations: c.key + ": other", Want: "200"},
		})
	}
	for _, c := range []struct{ name, key string }{{"service-topology", "service.kubernetes.io/topology-mode"}, {"service-topology-old", "service.kubernetes.io/topology-aware-hints"}} {
		out = append(out, Observation{
			Name: c.name, Rows: annotation(c.key), Measure: reached(plain), // Auto without hints is flat
			With:    Side{Annotations: c.key + ": Auto", Spec: "trafficDistribution: PreferSameZone", Endpoints: oneEach(2), Want: "eu-1 eu-2"},
			Without: Side{Spec: "trafficDistribution: PreferSameZone", Endpoints: oneEach(2), Want: "eu-1"},
		})
	}
	for _, c := range []struct{ name, key string }{{"service-tiers", "networking.coastwise.dev/traffic-distribution"}, {"service-tiers-istio", "networking.istio.io/traffic-distribution"}} {
		out = append(out, Observation{
			Name: c.name, Rows: annotation(c.key), Measure: reached(plain),
			With:    Side{Annotations: c.key + ": PreferSameZone", Endpoints: oneEach(3), Want: "eu-1"},
			Without: Side{Endpoints: oneEach(3), Want: "eu-1 eu-2 us-1"},
		})
	}
	for _, c := range []struct{ name, key string }{{"tiers", "networking.coastwise.dev/traffic-distribution"}, {"tiers-istio", "networking.istio.io/traffic-distribution"}} {
		out = append(out, Observation{
			Name: "namespace-" + c.name, Rows: []string{"Namespace metadata.annotations[" + c.key + "]"}, Measure: reached(plain),
			With:    Side{Namespace: c.name, Endpoints: oneEach(3), Want: "eu-1"},
			Without: Side{Endpoints: oneEach(3), Want: "eu-1 eu-2 us-1"},
		})
	}
	return append(out, Observation{
		Name: "external-type", Rows: spec("type=ExternalName"), Measure: asked(Request{Host: "NAME.default:PORT"}, zoneOf),
		With:    Side{Spec: "type: ExternalName, externalName: b.test", Ports: "[{name: http, port: PORT}]", Want: "eu-2"},
		Without: Side{Spec: "type: ClusterIP", Ports: "[{name: http, port: PORT}]", Want: "eu-1"},
	}, Observation{
		Name: "external-name", Rows: spec("externalName"), Measure: asked(Request{Host: "NAME.default:PORT"}, zoneOf),
		With:    Side{Spec: "type: ExternalName, externalName: b.test", Ports: "[{name: http, port: PORT}]", Want: "eu-2"},
		Without: Side{Spec: "type: ExternalName, externalName: a.test", Ports: "[{name: http, port: PORT}]", Want: "eu-1"},
	})
}

// sixth is the IPv6 address of a Service.
const sixth = `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: NAME-6, namespace: default, labels: {kubernetes.io/service-name: NAME}}
addressType: IPv6
ports: [{name: http, port: PORT}]
endpoints: [{addresses: ['::1'], zone: eu-1}]
`
