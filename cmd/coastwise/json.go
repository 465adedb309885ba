package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
	"github.com/coastwise/coastwise/translate/predict"
)

// The types below are the JSON of `translate -o json`: a contract, in this
// order of fields. Lists are never null.
type (
	jsonAnswer struct {
		Clusters []jsonCluster   `json:"clusters"`
		Problems []model.Problem `json:"problems"`
		Gateway  *jsonGateway    `json:"gateway,omitempty"`
	}
	jsonCluster struct {
		Name                   string        `json:"name"`
		Service                string        `json:"service"`
		Port                   uint32        `json:"port"`
		Subset                 string        `json:"subset"`
		OverprovisioningFactor uint32        `json:"overprovisioningFactor"`
		Groups                 []jsonGroup   `json:"groups"`
		LeftOut                []jsonLeftOut `json:"leftOut"`
		Routes                 []jsonRoute   `json:"routes,omitempty"` // absent where there are none
	}
	jsonGroup struct {
		Priority  uint32         `json:"priority"`
		Locality  jsonLocality   `json:"locality"`
		Weight    uint32         `json:"weight"`
		Endpoints []jsonEndpoint `json:"endpoints"`
	}
	jsonLocality struct {
		Region  string `json:"region"`
		Zone    string `json:"zone"`
		SubZone string `json:"subZone"`
	}
	jsonEndpoint struct {
		Address string  `json:"address"`
		Port    uint32  `json:"port"`
		Weight  uint32  `json:"weight"`
		Health  string  `json:"health"`
		Share   float64 `json:"share"` // percent of the cluster, to one decimal
		Reason  string  `json:"reason"`
		// Tunnel is hbone where a ztunnel is in front of the endpoint.
		Tunnel string `json:"tunnel,omitempty"`
	}
	jsonLeftOut struct {
		Address string `json:"address"`
		Reason  string `json:"reason"`
	}
)

// writeJSON prints the answer as the contract says.
func writeJSON(w io.Writer, a answer) error {
	out := jsonAnswer{Clusters: []jsonCluster{}, Problems: append([]model.Problem{}, a.problems...), Gateway: a.edgeJSON()}
	for _, c := range a.clusters {
		out.Clusters = append(out.Clusters, c.json())
	}
	return encode(w, out)
}

// encode prints indented JSON, with <, > and & as they are.
func encode(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// compact is JSON in one line.
func compact(v any) (string, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return out.String(), err
}

func (c cluster) json() jsonCluster {
	a := c.built.Assignment
	out := jsonCluster{
		Name: c.name, Service: c.host, Port: c.port, Subset: c.subset,
		OverprovisioningFactor: a.OverprovisioningFactor,
		Groups:                 []jsonGroup{}, LeftOut: []jsonLeftOut{}, Routes: routesJSON(c.routes),
	}
	shares := predict.Shares(a)
	for i, g := range a.Groups {
		out.Groups = append(out.Groups, groupJSON(g, shares[i]))
	}
	for _, l := range a.LeftOut {
		out.LeftOut = append(out.LeftOut, jsonLeftOut{Address: l.Address, Reason: l.Reason})
	}
	return out
}

func groupJSON(g locality.Group, shares []float64) jsonGroup {
	out := jsonGroup{Priority: g.Priority, Locality: jsonLocality(g.Locality), Weight: g.Weight}
	for i, e := range g.Endpoints {
		health := "UNHEALTHY"
		if e.Healthy {
			health = "HEALTHY"
		}
		out.Endpoints = append(out.Endpoints, jsonEndpoint{
			Address: e.Address, Port: e.Port, Weight: e.Weight, Health: health,
			Share: math.Round(shares[i]*10) / 10, Reason: string(g.Reason), Tunnel: tunnelOf(e),
		})
	}
	return out
}

func tunnelOf(e locality.Endpoint) string {
	if e.HBONE {
		return "hbone"
	}
	return ""
}

// jsonResources is the JSON of `translate -o envoy`: the protos, in the order in
// which a proxy receives them.
type jsonResources struct {
	Clusters  []json.RawMessage `json:"clusters"`
	Endpoints []json.RawMessage `json:"endpoints"`
	Listeners []json.RawMessage `json:"listeners"`
	Routes    []json.RawMessage `json:"routes"`
}

// writeEnvoy prints the protos of the answer; all says that everything was
// asked for, so that the listener and its routes belong to it.
func writeEnvoy(w io.Writer, a answer, all bool) error {
	resources, err := a.resources(all)
	if err != nil {
		return err
	}
	none := []json.RawMessage{}
	out := jsonResources{Clusters: none, Endpoints: none, Listeners: none, Routes: none}
	for _, r := range resources {
		switch r.TypeURL {
		case envoy.ClusterType:
			err = appendJSON(&out.Clusters, r, &clusterv3.Cluster{})
		case envoy.EndpointType:
			err = appendJSON(&out.Endpoints, r, &endpointv3.ClusterLoadAssignment{})
		case envoy.ListenerType:
			err = appendJSON(&out.Listeners, r, &listenerv3.Listener{})
		case envoy.RouteType:
			err = appendJSON(&out.Routes, r, &routev3.RouteConfiguration{})
		}
		if err != nil {
			return err
		}
	}
	return encode(w, out)
}

// appendJSON decodes a resource and appends its JSON.
func appendJSON(list *[]json.RawMessage, r envoy.Resource, m proto.Message) error {
	if err := proto.Unmarshal(r.Body, m); err != nil {
		return fmt.Errorf("%s: %w", r.Name, err)
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return fmt.Errorf("%s: %w", r.Name, err)
	}
	var same bytes.Buffer // protojson's spacing differs from run to run on purpose
	if err := json.Compact(&same, text); err != nil {
		return fmt.Errorf("%s: %w", r.Name, err)
	}
	*list = append(*list, same.Bytes())
	return nil
}

// resources are all protos of the answer.
func (a answer) resources(all bool) ([]envoy.Resource, error) {
	var out []envoy.Resource
	for _, c := range a.clusters {
		if c.built.Cluster.Name != "" {
			out = append(out, c.built.Cluster)
		}
		if c.built.Endpoints.Name != "" {
			out = append(out, c.built.Endpoints)
		}
		if c.built.Tunnel.Name != "" {
			out = append(out, c.built.Tunnel, c.built.TunnelEndpoints)
		}
	}
	if a.proxy.Kind == model.GRPC {
		targets, err := a.targets()
		return append(out, targets...), err
	}
	if !all {
		return out, nil
	}
	entrance, err := a.entrance()
	if err != nil {
		return nil, err
	}
	out = append(out, entrance...)
	explicit, err := a.explicit()
	if err != nil {
		return nil, err
	}
	edge, err := a.edgeResources()
	if err != nil {
		return nil, err
	}
	behind, err := a.behind()
	if err != nil {
		return nil, err
	}
	out = slices.Concat(out, behind, explicit, edge)
	if a.proxy.HTTPProxyPort == 0 {
		return out, nil
	}
	listener, err := envoy.Listener(envoy.Listen{Bind: a.proxy.Bind, Port: a.proxy.HTTPProxyPort, Connect: envoy.Connects(a.proxy)})
	if err != nil {
		return nil, err
	}
	routes, err := envoy.Routes(a.proxy, a.services)
	if err != nil {
		return nil, err
	}
	return append(out, listener, routes), nil
}
