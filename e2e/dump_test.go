package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// object is a JSON object.
type object = map[string]any

// TestTranslateIsWhatEnvoyHolds compares the protos that translate prints with
// those that an Envoy with the same client flags has accepted.
func TestTranslateIsWhatEnvoyHolds(t *testing.T) {
	s := newScene(t, map[string]string{"nodes.yaml": nodes()})
	s.write("near.yaml", s.predictCase("near", [3]layoutOf{{1, 1}, {2, 0}, {1, 0}}, "", "{enabled: true, failoverThreshold: 70}", false))
	s.write("flat.yaml", s.predictCase("flat", [3]layoutOf{{2, 0}, {1, 1}}, "", "", false))
	s.write("hinted.yaml", s.predictCase("hinted", [3]layoutOf{{1, 0}, {1, 0}}, "  trafficDistribution: PreferSameZone\n", "", true))
	s.write("fence.yaml", s.predictCase("fenced", [3]layoutOf{{1, 0}, {1, 0}, {1, 0}}, "", "{allowedRegions: [us]}", false))
	s.write("empty.yaml", manifest.Service("default", "empty", 8081, ""))
	s.write("shop.yaml", manifest.Join(
		manifest.Service("shop", "flat", 80, ""),
		manifest.Slice("shop", "flat", "flat-1", s.ports.Backend, []manifest.Endpoint{{Address: s.endpoint(0, 0)}}),
		manifest.Rule("shop", "near", "near.default.svc.cluster.local", "{loadBalancer: {simple: RANDOM}}")))
	for _, flags := range []coastwise.Client{
		{Kind: "sidecar", Locality: "eu/eu-1"},
		{Kind: "sidecar", Namespace: "shop", Locality: "us/us-1"},
		{Kind: "sidecar", Locality: "eu/eu-2", Scope: "shop/*,default/near"},
		{Kind: "sidecar"},
		{Kind: "gateway", Node: "node-eu-2"},
	} {
		t.Run(fmt.Sprintf("%s %s%s%s", flags.Kind, flags.Namespace, flags.Locality, flags.Node), func(t *testing.T) {
			client := s.envoy(flags)
			text, err := built.coastwise.TranslateEnvoy(t.Context(), string(s.folder), client.flags)
			if err != nil {
				t.Fatal(err)
			}
			want := printed(t, text)
			if len(want["clusters"]) < 2 || len(want["endpoints"]) < 2 || len(want["listeners"]) != 1 || len(want["routes"]) != 1 {
				t.Fatalf("translate printed too little: %s", text)
			}
			eventually(t, patience, func() string { return different(want, client.held(t)) })
		})
	}
}

// printed is the resources of `translate -o envoy`, less what Envoy does not show.
func printed(t *testing.T, text []byte) map[string][]object {
	t.Helper()
	var out map[string][]object
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	for _, assignment := range out["endpoints"] {
		if assignment["policy"] == nil { // Envoy shows its default
			assignment["policy"] = object{"overprovisioning_factor": float64(140)}
		}
		eachGroup(assignment, func(group object) { delete(group, "metadata") })
	}
	return sorted(out)
}

// held is the dynamic resources of an Envoy's config dump.
func (c *client) held(t *testing.T) map[string][]object {
	t.Helper()
	body, err := c.Get(t.Context(), "/config_dump?include_eds")
	if err != nil {
		t.Fatal(err)
	}
	var dump struct{ Configs []object }
	if err := json.Unmarshal(body, &dump); err != nil {
		t.Fatal(err)
	}
	out := map[string][]object{}
	for _, config := range dump.Configs {
		for _, e := range list(config, "dynamic_active_clusters") {
			out["clusters"] = append(out["clusters"], bare(e["cluster"]))
		}
		for _, e := range list(config, "dynamic_endpoint_configs") {
			out["endpoints"] = append(out["endpoints"], bare(e["endpoint_config"]))
		}
		for _, e := range list(config, "dynamic_listeners") {
			if state, ok := e["active_state"].(object); ok {
				out["listeners"] = append(out["listeners"], bare(state["listener"]))
			}
		}
		for _, e := range list(config, "dynamic_route_configs") {
			out["routes"] = append(out["routes"], bare(e["route_config"]))
		}
	}
	for _, assignment := range out["endpoints"] {
		eachGroup(assignment, func(group object) {
			for _, e := range list(group, "lb_endpoints") {
				delete(e["endpoint"].(object), "health_check_config")
			}
		})
	}
	return sorted(out)
}

func list(o object, key string) []object {
	var out []object
	entries, _ := o[key].([]any)
	for _, e := range entries {
		out = append(out, e.(object))
	}
	return out
}

// bare is a packed message without its type.
func bare(v any) object {
	o := v.(object)
	delete(o, "@type")
	return o
}

func eachGroup(assignment object, do func(object)) {
	for _, group := range list(assignment, "endpoints") {
		do(group)
	}
}

// sorted puts resources in the order of their names, groups in that of priority
// and locality (Envoy shows its own locality first), and endpoints in that of
// their text.
func sorted(resources map[string][]object) map[string][]object {
	for _, of := range resources {
		slices.SortFunc(of, func(a, b object) int { return cmp.Compare(name(a), name(b)) })
	}
	for _, assignment := range resources["endpoints"] {
		groups, _ := assignment["endpoints"].([]any)
		slices.SortFunc(groups, func(a, b any) int { return cmp.Compare(place(a.(object)), place(b.(object))) })
		eachGroup(assignment, func(group object) {
			endpoints, _ := group["lb_endpoints"].([]any)
			slices.SortFunc(endpoints, func(a, b any) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		})
	}
	return resources
}

func place(group object) string { return fmt.Sprint(group["priority"], group["locality"]) }

func name(o object) string { return fmt.Sprint(o["name"], o["cluster_name"]) }

// different says in what Envoy differs; "" for nothing.
func different(want, has map[string][]object) string {
	for _, kind := range []string{"clusters", "endpoints", "listeners", "routes"} {
		if len(want[kind]) != len(has[kind]) {
			return fmt.Sprintf("%d %s, not %d", len(has[kind]), kind, len(want[kind]))
		}
		for i, w := range want[kind] {
			if !reflect.DeepEqual(w, has[kind][i]) {
				ws, _ := json.MarshalIndent(w, "", " ")
				hs, _ := json.MarshalIndent(has[kind][i], "", " ")
				return fmt.Sprintf("%s: Envoy holds %s\ntranslate says %s", kind, hs, ws)
			}
		}
	}
	return ""
}
