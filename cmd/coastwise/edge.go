package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// runs finds the Gateway at the edge that the client runs, and what is to be told of it.
func (a *answer) runs(st *store.Store, q question) {
	name, err := model.ParseGatewayName(a.proxy.Gateway)
	if err != nil || name == (model.GatewayName{}) {
		return
	}
	var problems []model.Problem
	g, _ := ingest.Gateway(st.GatewayObjects(name)) // ingestAll has its problems
	if g == nil || !g.RunBy(a.proxy) {
		problems = append(problems, translate.NotRun(a.proxy, g))
	} else if g.Kind == model.Gateway {
		a.edge = g
		problems = append(problems, a.portTaken(g)...)
	}
	if q.host == "" {
		a.problems = append(a.problems, problems...)
	}
}

// portTaken tells of a listener that is on the client's HTTP proxy port.
func (a *answer) portTaken(g *model.GatewayObject) []model.Problem {
	var out []model.Problem
	for _, l := range g.Listeners {
		if l.Port == a.proxy.HTTPProxyPort {
			out = append(out, translate.PortTaken(g, l))
		}
	}
	return out
}

// edgePorts are the ports that the client opens for its Gateway.
func (a answer) edgePorts() []envoy.GatewayPort {
	var out []envoy.GatewayPort
	for _, p := range envoy.GatewayPorts(a.edge) {
		if p.Port != a.proxy.HTTPProxyPort {
			out = append(out, p)
		}
	}
	return out
}

// edgeResources are the listeners and routes of the Gateway as the client gets them.
func (a answer) edgeResources() ([]envoy.Resource, error) {
	var out []envoy.Resource
	for _, p := range a.edgePorts() {
		l, err := p.Listener(a.proxy.Bind)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
		for _, name := range p.RouteNames() {
			r, err := p.Routes(name, translate.Settings(a.proxy, a.services))
			if err != nil {
				return nil, err
			}
			out = append(out, r)
		}
	}
	return out, nil
}

// writeEdge prints a line for each route of each host, in the order in which they are
// tried.
func writeEdge(w io.Writer, a answer, headers bool) {
	if a.edge == nil || a.one {
		return
	}
	fmt.Fprintf(w, "%s\n", a.edge.Object)
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if headers {
		fmt.Fprintln(tab, "PORT\tPROTOCOL\tLISTENER\tHOST\tMATCH\tTO\tROUTE")
	}
	for _, p := range a.edgePorts() {
		for _, l := range p.Listeners {
			for _, h := range l.Hosts {
				at := fmt.Sprintf("%d\t%s\t%s\t%s", l.Port, protocolOf(l), l.Name, h.Domain)
				if len(h.Routes) == 0 {
					fmt.Fprintf(tab, "%s\t-\t404\t-\n", at)
				}
				for i := range h.Routes {
					r := &h.Routes[i]
					fmt.Fprintf(tab, "%s\t%s\t%s\t%s rule %d\n", at, matchText(r.Match), destinationsText(r), r.Object, r.Rule)
				}
			}
		}
	}
	tab.Flush()
	if len(a.edgePorts()) == 0 {
		fmt.Fprintln(w, "no listeners")
	}
	fmt.Fprintln(w)
}

func protocolOf(l model.GatewayListener) string {
	if l.HTTPS() {
		return "HTTPS"
	}
	return "HTTP"
}
