package dump

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
)

// Path is where an Envoy's admin port shows what Held reads.
const Path = "/config_dump?include_eds"

// Object is a JSON object.
type Object = map[string]any

// Resources are by kind, each kind by name: clusters, endpoints, listeners, routes.
type Resources map[string][]Object

// Names are those of the resources of a kind, sorted.
func (r Resources) Names(kind string) []string {
	var out []string
	for _, o := range r[kind] {
		out = append(out, Name(o))
	}
	return out
}

// Printed is what `translate -o envoy` printed, less what Envoy does not show.
func Printed(text []byte) (Resources, error) {
	var out Resources
	if err := json.Unmarshal(text, &out); err != nil {
		return nil, fmt.Errorf("reading what translate printed: %w", err)
	}
	for _, assignment := range out["endpoints"] {
		if assignment["policy"] == nil { // Envoy shows its default
			assignment["policy"] = Object{"overprovisioning_factor": float64(140)}
		}
		eachGroup(assignment, func(group Object) { delete(group, "metadata") })
	}
	return sorted(out), nil
}

// Held are the dynamic resources in an answer of Envoy to Path.
func Held(body []byte) (Resources, error) {
	var dump struct{ Configs []Object }
	if err := json.Unmarshal(body, &dump); err != nil {
		return nil, fmt.Errorf("reading the dump: %w", err)
	}
	out := Resources{}
	for _, config := range dump.Configs {
		for _, e := range list(config, "dynamic_active_clusters") {
			out["clusters"] = append(out["clusters"], bare(e["cluster"]))
		}
		for _, e := range list(config, "dynamic_endpoint_configs") {
			out["endpoints"] = append(out["endpoints"], bare(e["endpoint_config"]))
		}
		for _, e := range list(config, "dynamic_listeners") {
			if state, ok := e["active_state"].(Object); ok {
				out["listeners"] = append(out["listeners"], bare(state["listener"]))
			}
		}
		for _, e := range list(config, "dynamic_route_configs") {
			out["routes"] = append(out["routes"], bare(e["route_config"]))
		}
	}
	out["endpoints"] = slices.DeleteFunc(out["endpoints"], func(o Object) bool { return fixed(out["clusters"], Name(o)) })
	for _, assignment := range out["endpoints"] {
		eachGroup(assignment, func(group Object) {
			for _, e := range list(group, "lb_endpoints") {
				delete(e["endpoint"].(Object), "health_check_config")
			}
		})
	}
	return sorted(out), nil
}

// fixed says that the endpoints of a cluster stand in itself, where Envoy shows both.
func fixed(clusters []Object, name string) bool {
	return slices.ContainsFunc(clusters, func(c Object) bool { return Name(c) == name && c["type"] != "EDS" })
}

func list(o Object, key string) []Object {
	var out []Object
	entries, _ := o[key].([]any)
	for _, e := range entries {
		out = append(out, e.(Object))
	}
	return out
}

// bare is a packed message without its type.
func bare(v any) Object {
	o := v.(Object)
	delete(o, "@type")
	return o
}

func eachGroup(assignment Object, do func(Object)) {
	for _, group := range list(assignment, "endpoints") {
		do(group)
	}
}

// sorted puts resources in the order of their names, groups in that of priority
// and locality (Envoy shows its own locality first), and endpoints in that of
// their text.
func sorted(resources Resources) Resources {
	for _, of := range resources {
		slices.SortFunc(of, func(a, b Object) int { return cmp.Compare(Name(a), Name(b)) })
	}
	for _, assignment := range resources["endpoints"] {
		groups, _ := assignment["endpoints"].([]any)
		slices.SortFunc(groups, func(a, b any) int { return cmp.Compare(place(a.(Object)), place(b.(Object))) })
		eachGroup(assignment, func(group Object) {
			endpoints, _ := group["lb_endpoints"].([]any)
			slices.SortFunc(endpoints, func(a, b any) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		})
	}
	return resources
}

func place(group Object) string { return fmt.Sprint(group["priority"], group["locality"]) }

// Name is that of a resource: assignments have another field for it.
func Name(o Object) string {
	if s, ok := o["name"].(string); ok {
		return s
	}
	return fmt.Sprint(o["cluster_name"])
}

// Different says in what Envoy differs from translate; "" for nothing.
func Different(want, has Resources) string {
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
