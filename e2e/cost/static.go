package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/envoyproc"
	"github.com/coastwise/coastwise/e2e/loopback"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// object is a JSON object of Envoy's configuration.
type object = map[string]any

// shape is another way to write a waypoint's listener, with its routes inside.
type shape struct {
	name  string
	build func(*drawing) object
}

var shapes = []shape{
	{"nothing", func(*drawing) object { return nil }},
	{"a chain for each port", func(d *drawing) object { return d.chains(func(object) {}) }},
	{"… that share statistics", func(d *drawing) object {
		return d.chains(func(hcm object) { hcm["stat_prefix"] = "waypoint" })
	}},
	{"… without an access log", func(d *drawing) object {
		return d.chains(func(hcm object) { delete(hcm, "access_log") })
	}},
	{"one chain, a virtual host for each port", (*drawing).hosts},
	{"one chain, scoped routes", (*drawing).scopes},
}

// drawing is what translate says that a waypoint receives.
type drawing struct {
	Listeners []object `json:"listeners"`
	Routes    []object `json:"routes"`
}

// static measures every shape, in an Envoy that has it from its bootstrap.
func (o *options) static(ctx context.Context) error {
	work, err := os.MkdirTemp("", "coastwise-cost-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	block, err := loopback.Claim()
	if err != nil {
		return err
	}
	defer block.Release()
	client := forms["waypoint"].flags
	client.ID, client.Locality, client.Bind, client.AdminPort = "static", "eu/eu-0", block.Address(1, 1), 15000
	for _, n := range o.services {
		m := mesh{Folder: manifest.Folder(filepath.Join(work, fmt.Sprint(n))), ports: o.ports, endpoints: o.endpoints}
		if err := errors.Join(os.Mkdir(string(m.Folder), 0o755), m.write(n, "PROXY", 15088)); err != nil {
			return err
		}
		fmt.Printf("%d services of %d ports, the listener alone, in the bootstrap:\n", n, o.ports)
		for _, s := range shapes {
			if err := o.try(ctx, work, string(m.Folder), client, s); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	return nil
}

// try prints what one shape costs.
func (o *options) try(ctx context.Context, work, folder string, client coastwise.Client, s shape) error {
	binary := coastwise.Binary(o.coastwise)
	text, err := binary.TranslateEnvoy(ctx, folder, client)
	if err != nil {
		return err
	}
	d := new(drawing)
	if err := json.Unmarshal(text, d); err != nil {
		return err
	}
	bootstrap, err := binary.Bootstrap(ctx, client, "127.0.0.1:1")
	if err != nil {
		return err
	}
	b := object{}
	if err := yaml.Unmarshal(bootstrap, &b); err != nil {
		return err
	}
	delete(b, "dynamic_resources")
	if l := s.build(d); l != nil {
		b["static_resources"].(object)["listeners"] = []any{l}
	}
	if bootstrap, err = json.Marshal(b); err != nil {
		return err
	}
	e, err := envoyproc.Start(envoyproc.Config{Binary: o.envoy, Name: "static", Dir: work, Bootstrap: bootstrap, Admin: client.Admin()})
	if err != nil {
		return err
	}
	defer e.Kill()
	if err := e.WaitReady(time.Now().Add(patience)); err != nil {
		return err
	}
	cpu, err := cpuOf(e.Pid())
	if err != nil {
		return err
	}
	held, err := allocated(ctx, e)
	if err != nil {
		return err
	}
	fmt.Printf("  %-42s %5.2f s of CPU, %4d MB, %5d kB of JSON\n", s.name, cpu.Seconds(), held>>20, len(bootstrap)>>10)
	return nil
}

// allocated is what an Envoy holds, in bytes. Its RSS also has what it needed to read the
// bootstrap.
func allocated(ctx context.Context, e *envoyproc.Envoy) (uint64, error) {
	body, err := e.Get(ctx, "/memory")
	if err != nil {
		return 0, err
	}
	var page struct {
		Allocated uint64 `json:"allocated,string"`
	}
	return page.Allocated, json.Unmarshal(body, &page)
}

// chains is the listener as it is, but for its routes, which stand in it.
func (d *drawing) chains(change func(hcm object)) object {
	l := d.Listeners[0]
	routes := map[any]object{}
	for _, r := range d.Routes {
		routes[r["name"]] = r
	}
	for _, c := range l["filter_chains"].([]any) {
		hcm := manager(c.(object))
		hcm["route_config"] = routes[hcm["rds"].(object)["route_config_name"]]
		delete(hcm, "rds")
		change(hcm)
	}
	return l
}

func manager(chain object) object {
	return chain["filters"].([]any)[0].(object)["typed_config"].(object)
}

const destinationHeader = "x-coastwise-destination"

// one is the listener with one chain for all ports, which keeps the connection's destination in
// a header before it looks for a route.
func (d *drawing) one() (listener, hcm object) {
	l := d.Listeners[0]
	delete(l, "filter_chain_matcher")
	l["filter_chains"] = l["filter_chains"].([]any)[:1]
	hcm = manager(l["filter_chains"].([]any)[0].(object))
	delete(hcm, "rds")
	hcm["stat_prefix"] = "waypoint"
	hcm["early_header_mutation_extensions"] = []any{object{
		"name": "envoy.http.early_header_mutation.header_mutation",
		"typed_config": object{
			"@type": "type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
			"mutations": []any{object{"append": object{
				"header": object{"key": destinationHeader, "value": "%DOWNSTREAM_LOCAL_ADDRESS%"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
			}}},
		},
	}}
	return l, hcm
}

// destination is an address and port of the i-th port's own.
func destination(i int) string { return fmt.Sprintf("10.96.%d.%d:80", i>>8, i&255) }

// hosts finds the route by a virtual host, in one table of routes.
func (d *drawing) hosts() object {
	l, hcm := d.one()
	var hosts []any
	for i, r := range d.Routes {
		h := r["virtual_hosts"].([]any)[0].(object)
		h["name"], h["domains"] = r["name"], []any{destination(i)}
		hosts = append(hosts, h)
	}
	hcm["route_config"] = object{
		"name": "all", "vhost_header": destinationHeader, "validate_clusters": false, "virtual_hosts": hosts,
		"request_headers_to_remove": []any{destinationHeader},
	}
	return l
}

// scopes finds a table of routes by the header: each stays a resource of its own.
func (d *drawing) scopes() object {
	l, hcm := d.one()
	var scopes []any
	for i, r := range d.Routes {
		scopes = append(scopes, object{
			"name": r["name"], "route_configuration": r, "key": object{"fragments": []any{object{"string_key": destination(i)}}},
		})
	}
	hcm["scoped_routes"] = object{
		"name":                             "all",
		"scope_key_builder":                object{"fragments": []any{object{"header_value_extractor": object{"name": destinationHeader, "index": 0}}}},
		"scoped_route_configurations_list": object{"scoped_route_configurations": scopes},
	}
	return l
}
