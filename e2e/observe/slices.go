package observe

// endpointSlices are what EndpointSlices say.
func endpointSlices() []Observation {
	row := func(names ...string) []string { return rows("EndpointSlice ", names) }
	in := func(zone int, more string) Endpoint { return bare(zone, 0, "zone: "+zones[zone].Zone+", "+more) }
	return []Observation{
		{
			Name: "slice-service", Rows: row("metadata.labels[kubernetes.io/service-name]"), Measure: asked(plain, statusOf),
			With:    Side{Want: "200"},
			Without: Side{Slice: SliceShape{Service: "nobody"}, Want: "503"},
		},
		{
			Name: "slice-addresses", Rows: row("endpoints[].addresses"), Measure: reached(plain),
			With:    Side{Endpoints: []Endpoint{bare(0, 0, "")}, Want: "eu-1"},
			Without: Side{Endpoints: []Endpoint{bare(1, 0, "")}, Want: "eu-2"},
		},
		{
			Name: "slice-type", Rows: row("addressType"), Measure: asked(plain, statusOf),
			With:    Side{Want: "200"},
			Without: Side{Slice: SliceShape{Type: "FQDN"}, Endpoints: []Endpoint{special(FQDN)}, Want: "503"},
		},
		{
			Name: "slice-managed", Rows: row("metadata.labels[endpointslice.kubernetes.io/managed-by]"), Measure: reached(plain),
			With:    Side{Spec: "trafficDistribution: PreferSameZone", Slice: SliceShape{ManagedBy: "endpointslice-controller.k8s.io"}, Endpoints: oneEach(2), Want: "eu-1 eu-2"},
			Without: Side{Spec: "trafficDistribution: PreferSameZone", Endpoints: oneEach(2), Want: "eu-1"},
		},
		{
			Name: "slice-protocol", Rows: row("ports[].protocol"), Measure: asked(plain, statusOf),
			With:    Side{Slice: SliceShape{Protocol: "UDP"}, Want: "503"},
			Without: Side{Slice: SliceShape{Protocol: "TCP"}, Want: "200"},
		},
		{
			Name: "slice-port", Rows: row("ports[].port"), Measure: asked(plain, statusOf),
			With:    Side{Want: "200"},
			Without: Side{Slice: SliceShape{Port: 9}, Want: "503"},
		},
		{
			Name: "slice-port-name", Rows: row("ports[].name"), Measure: asked(plain, statusOf),
			With:    Side{Want: "200"},
			Without: Side{Slice: SliceShape{PortName: "other"}, Want: "503"},
		},
		{
			Name: "slice-ready", Rows: row("endpoints[].conditions.ready"), Measure: reached(plain),
			With:    Side{Endpoints: []Endpoint{at(0, 0), in(1, "conditions: {ready: false}")}, Want: "eu-1"},
			Without: Side{Endpoints: []Endpoint{at(0, 0), in(1, "conditions: {ready: true}")}, Want: "eu-1 eu-2"},
		},
		{ // Nothing is ready: who still serves takes over.
			Name: "slice-serving", Rows: row("endpoints[].conditions.serving"), Measure: asked(plain, statusOf),
			With:    Side{Endpoints: []Endpoint{in(0, "conditions: {ready: false, serving: true, terminating: true}")}, Want: "200"},
			Without: Side{Endpoints: []Endpoint{in(0, "conditions: {ready: false, serving: false, terminating: true}")}, Want: "503"},
		},
		{
			Name: "slice-terminating", Rows: row("endpoints[].conditions.terminating"), Measure: asked(plain, statusOf),
			With:    Side{Endpoints: []Endpoint{in(0, "conditions: {ready: false, serving: true, terminating: true}")}, Want: "200"},
			Without: Side{Endpoints: []Endpoint{in(0, "conditions: {ready: false, serving: true, terminating: false}")}, Want: "503"},
		},
		{
			Name: "slice-zone", Rows: row("endpoints[].zone"), Measure: reached(plain),
			With:    Side{Policy: local(""), Endpoints: []Endpoint{bare(0, 0, "zone: eu-1"), bare(1, 0, "zone: eu-2")}, Want: "eu-1"},
			Without: Side{Policy: local(""), Endpoints: []Endpoint{bare(0, 0, ""), bare(1, 0, "zone: eu-2")}, Want: "eu-2"},
		},
		{
			Name: "slice-node", Rows: row("endpoints[].nodeName"), Measure: reached(plain),
			With:    Side{Policy: local(""), Endpoints: []Endpoint{bare(0, 0, "nodeName: node-eu-1"), bare(1, 0, "zone: eu-2")}, Want: "eu-1"},
			Without: Side{Policy: local(""), Endpoints: []Endpoint{bare(0, 0, "nodeName: node-us-1"), bare(1, 0, "zone: eu-2")}, Want: "eu-2"},
		},
		{
			Name: "slice-zone-hints", Rows: row("endpoints[].hints.forZones[].name"), Measure: reached(plain),
			With:    Side{Spec: "trafficDistribution: PreferSameZone", Endpoints: hinted("eu-2", "eu-1"), Want: "eu-2"},
			Without: Side{Spec: "trafficDistribution: PreferSameZone", Endpoints: hinted("eu-1", "eu-2"), Want: "eu-1"},
		},
		{
			Name: "slice-node-hints", Rows: row("endpoints[].hints.forNodes[].name"), Measure: reached(plain),
			With: Side{Spec: "trafficDistribution: PreferSameNode", Want: "us-1", Endpoints: []Endpoint{
				in(0, "hints: {forNodes: [{name: node-us-1}]}"), in(2, "hints: {forNodes: [{name: node-eu-1}]}"),
			}},
			Without: Side{Spec: "trafficDistribution: PreferSameNode", Want: "eu-1", Endpoints: []Endpoint{
				in(0, "hints: {forNodes: [{name: node-eu-1}]}"), in(2, "hints: {forNodes: [{name: node-us-1}]}"),
			}},
		},
		{
			Name: "slice-target", Rows: row("endpoints[].targetRef"), Measure: reached(Request{Subset: "v1"}),
			With:    Side{Rule: "subsets: [{name: v1, labels: {version: v1}}]", Endpoints: versioned(0, 1), More: versions, Want: "eu-1"},
			Without: Side{Rule: "subsets: [{name: v1, labels: {version: v1}}]", Endpoints: oneEach(2), More: versions, Want: "503"},
		},
	}
}
