package main

import "github.com/coastwise/coastwise/translate/model"

// The types below are the part "gateway" of `translate -o json` for a client that runs a
// Gateway at the edge: a contract, in this order of fields. Lists are never null.
type (
	jsonGateway struct {
		Name      model.ObjectRef `json:"name"`
		Listeners []jsonListener  `json:"listeners"`
	}
	jsonListener struct {
		Name         string     `json:"name"`
		Port         uint32     `json:"port"`
		Protocol     string     `json:"protocol"`
		Hostname     string     `json:"hostname"`
		Certificates []string   `json:"certificates"` // files
		Hosts        []jsonHost `json:"hosts"`
	}
	jsonHost struct {
		Domain string      `json:"domain"`
		Routes []jsonRoute `json:"routes"`
	}
	jsonRoute struct {
		Route    model.ObjectRef `json:"route"`
		Rule     int             `json:"rule"`
		Match    string          `json:"match"`    // as in the table
		Redirect string          `json:"redirect"` // as in the table, "" for none
		Backends []jsonBackend   `json:"backends"`
	}
	jsonBackend struct {
		Service string `json:"service"`
		Port    uint32 `json:"port"`
		Weight  uint32 `json:"weight"`
		Broken  bool   `json:"broken"`
	}
)

// edgeJSON is nil where no Gateway was asked for.
func (a answer) edgeJSON() *jsonGateway {
	if a.edge == nil || a.one {
		return nil
	}
	out := &jsonGateway{Name: a.edge.Object, Listeners: []jsonListener{}}
	for _, p := range a.edgePorts() {
		for _, l := range p.Listeners {
			one := jsonListener{Name: l.Name, Port: l.Port, Protocol: protocolOf(l), Hostname: l.Hostname, Certificates: []string{}, Hosts: []jsonHost{}}
			for _, c := range l.Certificates {
				one.Certificates = append(one.Certificates, c.File())
			}
			for _, h := range l.Hosts {
				one.Hosts = append(one.Hosts, hostJSON(h))
			}
			out.Listeners = append(out.Listeners, one)
		}
	}
	return out
}

func hostJSON(h model.GatewayHost) jsonHost {
	out := jsonHost{Domain: h.Domain, Routes: []jsonRoute{}}
	for _, r := range h.Routes {
		one := jsonRoute{Route: r.Object, Rule: r.Rule, Match: matchText(r.Match), Backends: []jsonBackend{}}
		if r.Redirect != nil {
			one.Redirect = actionText(r)
		}
		for _, b := range r.Backends {
			one.Backends = append(one.Backends, jsonBackend{Service: b.To.Key.Host, Port: b.To.Port, Weight: b.Weight, Broken: b.To.Broken})
		}
		out.Routes = append(out.Routes, one)
	}
	return out
}
