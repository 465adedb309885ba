package observe

import "strings"

// entry is a ServiceEntry of a site, for NAME.example: what is given in flow style
// comes after its hosts; a field that is not given is that of a STATIC one with a
// port of HTTP.
func entry(more ...string) string {
	spec := map[string]string{
		"hosts": "[NAME.example]", "resolution": "STATIC", "ports": "[{number: 80, name: http, protocol: HTTP, targetPort: PORT}]",
		"endpoints": "[" + inEU1 + ", " + inEU2 + "]",
	}
	annotations := ""
	for _, m := range more {
		field, value, _ := strings.Cut(m, ": ")
		if field == "annotation" {
			annotations = value
			continue
		}
		spec[field] = value
	}
	var fields []string
	for _, f := range []string{"hosts", "addresses", "resolution", "ports", "endpoints", "workloadSelector", "exportTo", "subjectAltNames"} {
		if spec[f] != "" {
			fields = append(fields, f+": "+spec[f])
		}
	}
	return "apiVersion: networking.coastwise.dev/v1alpha1\nkind: ServiceEntry\nmetadata: {name: NAME, namespace: default, annotations: {" + annotations + "}}\n" +
		"spec: {" + strings.Join(fields, ", ") + "}\n"
}

// One endpoint of each of the first two zones.
const (
	inEU1 = "{address: IP-0-0, locality: eu/eu-1}"
	inEU2 = "{address: IP-1-0, locality: eu/eu-2}"
)

func (s Side) entered(want string, more ...string) Side {
	s.Want, s.More = want, entry(more...)
	if s.Policy != "" {
		s.RuleHost = "NAME.example"
	}
	return s
}

func entries() []Observation {
	row := func(names ...string) []string { return rows("ServiceEntry ", names) }
	host := Request{Host: "NAME.example"}
	proto := func(a Answer) string { return a.Proto }
	secured := Side{Policy: "{tls: {mode: SIMPLE, credentialName: web}}"}
	const port = "ports: [{number: 80, name: http, protocol: HTTP, targetPort: TLSPORT}]"
	selected := "\n---\napiVersion: networking.coastwise.dev/v1alpha1\nkind: WorkloadEntry\nmetadata: {name: NAME, namespace: default}\nspec: {address: IP-0-0, labels: {app: NAME}}\n"
	out := []Observation{
		{
			Name: "entry-hosts", Rows: row("spec.hosts"), Measure: asked(host, statusOf),
			With: Side{}.entered("200"), Without: Side{}.entered("502", "hosts: [other-NAME.example]"),
		},
		{
			Name: "entry-addresses", Rows: row("spec.addresses"), Measure: asked(Request{Host: "VIP"}, statusOf),
			With: Side{}.entered("200", "addresses: [VIP]"), Without: Side{}.entered("502"),
		},
		{
			Name: "entry-port", Rows: row("spec.ports[].number"), Measure: asked(Request{Host: "NAME.example:81"}, statusOf),
			With: Side{}.entered("200", "ports: [{number: 81, name: http, protocol: HTTP, targetPort: PORT}]"), Without: Side{}.entered("502"),
		},
		{
			Name: "entry-protocol", Rows: row("spec.ports[].protocol"), Measure: asked(host, proto),
			With:    Side{}.entered("HTTP/2.0", "ports: [{number: 80, name: web, protocol: HTTP2, targetPort: PORT}]"),
			Without: Side{}.entered("HTTP/1.1", "ports: [{number: 80, name: web, protocol: HTTP, targetPort: PORT}]"),
		},
		{
			Name: "entry-port-name", Rows: append(row("spec.ports[].name"), "WorkloadEntry spec.ports"), Measure: asked(host, statusOf),
			With:    Side{}.entered("200", "ports: [{number: 80, name: web, protocol: HTTP}]", "endpoints: [{address: IP-0-0, ports: {web: PORT}}]"),
			Without: Side{}.entered("503", "ports: [{number: 80, name: http, protocol: HTTP}]", "endpoints: [{address: IP-0-0, ports: {web: PORT}}]"),
		},
		{
			Name: "entry-target-port", Rows: row("spec.ports[].targetPort"), Measure: asked(host, statusOf),
			With:    Side{}.entered("200"),
			Without: Side{}.entered("503", "ports: [{number: 80, name: http, protocol: HTTP}]"),
		},
		{ // Without an original destination nothing answers.
			Name: "entry-resolution", Rows: row("spec.resolution"), Measure: asked(host, statusOf),
			With: Side{}.entered("200"), Without: Side{}.entered("503", "resolution: NONE", "endpoints: ", "ports: [{number: 80, name: http, protocol: HTTP}]"),
		},
		{
			Name: "entry-dns", Rows: row("spec.resolution"), Measure: spread(host),
			With:    Side{}.entered("several endpoints", "resolution: DNS", "endpoints: [{address: two.test}]"),
			Without: Side{}.entered("one endpoint", "resolution: DNS_ROUND_ROBIN", "endpoints: [{address: two.test}]"),
		},
		{
			Name: "entry-endpoints", Rows: row("spec.endpoints[]"), Measure: reached(host),
			With: Side{}.entered("eu-1 eu-2"), Without: Side{}.entered("eu-2", "endpoints: ["+inEU2+"]"),
		},
		{
			Name: "entry-selector", Rows: row("spec.workloadSelector.labels"), Measure: asked(host, statusOf),
			With:    Side{}.entered("200", "endpoints: ", "workloadSelector: {labels: {app: NAME}}").and(selected),
			Without: Side{}.entered("503", "endpoints: ", "workloadSelector: {labels: {app: other-NAME}}").and(selected),
		},
		{
			Name: "entry-export", Rows: row("spec.exportTo"), Measure: asked(host, statusOf),
			With:    Side{Client: "other"}.entered("502", "exportTo: [elsewhere]"),
			Without: Side{Client: "other"}.entered("200", "exportTo: [other]"),
		},
		{
			Name: "entry-names", Rows: row("spec.subjectAltNames"), Measure: asked(host, statusOf),
			With:    secured.entered("200", "subjectAltNames: [shop.example]", port),
			Without: secured.entered("503", "subjectAltNames: [wrong.example]", port),
		},
	}
	for _, c := range []struct{ name, key string }{{"entry-distribution", "networking.coastwise.dev/traffic-distribution"}, {"entry-distribution-istio", "networking.istio.io/traffic-distribution"}} {
		out = append(out, Observation{
			Name: c.name, Rows: row("metadata.annotations[" + c.key + "]"), Measure: reached(host),
			With: Side{}.entered("eu-1", "annotation: "+c.key+": PreferSameZone"), Without: Side{}.entered("eu-1 eu-2"),
		})
	}
	return append(out, workloads()...)
}

// and adds documents.
func (s Side) and(documents string) Side {
	s.More += documents
	return s
}

// workloads are the fields of a WorkloadEntry, in a ServiceEntry's endpoints.
func workloads() []Observation {
	row := func(name string) []string { return rows("WorkloadEntry spec.", []string{name}) }
	host := Request{Host: "NAME.example"}
	picked := func(document, want string) Side {
		return Side{}.entered(want, "endpoints: ", "workloadSelector: {labels: {app: NAME}}").and("\n---\n" + document)
	}
	object := func(labels string) string {
		return "apiVersion: networking.coastwise.dev/v1alpha1\nkind: WorkloadEntry\nmetadata: {name: NAME, namespace: default, labels: {" + labels + "}}\nspec: {address: IP-0-0}\n"
	}
	pod := func(ip string) string {
		return "apiVersion: v1\nkind: Pod\nmetadata: {name: NAME, namespace: default, labels: {app: NAME}}\nspec: {containers: [{name: main}]}\n" +
			"status: {podIP: " + ip + ", conditions: [{type: Ready, status: 'True'}]}\n"
	}
	prefer := func(setting string) Side { return Side{Policy: local(setting)} }
	version, network := prefer("failoverPriority: [version]"), prefer("failoverPriority: [topology.istio.io/network]")
	two := func(first, second string) string {
		return "endpoints: [{address: IP-0-0, " + first + "}, {address: IP-1-0, " + second + "}]"
	}
	return []Observation{
		{
			Name: "workload-address", Rows: row("address"), Measure: reached(host),
			With:    Side{}.entered("eu-1", "endpoints: [{address: IP-0-0}]"),
			Without: Side{}.entered("eu-2", "endpoints: [{address: IP-1-0}]"),
		},
		{
			Name: "workload-own-labels", Rows: rows("WorkloadEntry ", []string{"metadata.labels"}), Measure: asked(host, statusOf),
			With: picked(object("app: NAME"), "200"), Without: picked(object("app: another"), "503"),
		},
		{
			Name: "pod-ip", Rows: rows("Pod ", []string{"status.podIP"}), Measure: reached(host),
			With: picked(pod("IP-0-0"), "eu-1"), Without: picked(pod("IP-1-0"), "eu-2"),
		},
		{
			Name: "workload-labels", Rows: row("labels"), Measure: reached(host),
			With:    version.entered("eu-2", two("labels: {version: v1}", "labels: {version: v2}")),
			Without: version.entered("eu-1", two("labels: {version: v2}", "labels: {version: v1}")),
		},
		{
			Name: "workload-network", Rows: row("network"), Measure: reached(host),
			With:    network.entered("eu-2", two("network: n2", "network: n1")),
			Without: network.entered("eu-1 eu-2", two("network: n2", "network: n2")),
		},
		{
			Name: "workload-locality", Rows: row("locality"), Measure: reached(host),
			With:    prefer("").entered("eu-2", two("locality: us/us-1", "locality: eu/eu-1")),
			Without: prefer("").entered("eu-1", two("locality: eu/eu-1", "locality: us/us-1")),
		},
		{
			Name: "workload-weight", Rows: row("weight"), Measure: shareOfHost("eu-1", host),
			With:    Side{}.entered("most", two("weight: 8", "weight: 1")),
			Without: Side{}.entered("half", two("weight: 1", "weight: 1")),
		},
		{
			Name: "workload-drained", Rows: row("weight"), Measure: reached(host),
			With:    Side{}.entered("eu-2", two("weight: 0", "weight: 1")),
			Without: Side{}.entered("eu-1 eu-2", two("weight: 1", "weight: 1")),
		},
	}
}
