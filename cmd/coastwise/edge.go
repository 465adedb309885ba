package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
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
	g, problems := ingest.Gateway(st.GatewayObjects(name))
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
				for _, r := range h.Routes {
					fmt.Fprintf(tab, "%s\t%s\t%s\t%s rule %d\n", at, matchText(r.Match), actionText(r), r.Object, r.Rule)
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

// matchText is a match in one word or more: /a, /a/* for a prefix, ~PATTERN; then the
// method, and what must be in headers and query.
func matchText(m model.RouteMatch) string {
	out := m.Path.Value
	switch m.Path.Kind {
	case model.PathPrefix:
		out = strings.TrimSuffix(out, "/") + "/*"
	case model.PathRegex:
		out = "~" + out
	}
	if m.Method != "" {
		out += " " + m.Method
	}
	for _, h := range m.Headers {
		out += " " + h.Name + valueText(h)
	}
	for _, q := range m.Query {
		out += " ?" + q.Name + valueText(q)
	}
	return out
}

func valueText(v model.ValueMatch) string {
	if v.Regex {
		return "~" + v.Value
	}
	return "=" + v.Value
}

// actionText is where requests go: services with their weights where there are several,
// or a redirect. A backend that may not be followed has a "!".
func actionText(r model.Route) string {
	if d := r.Redirect; d != nil {
		return fmt.Sprintf("%d %s://%s:%d", cmp.Or(d.Status, 302), d.Scheme, cmp.Or(d.Host, "*"), d.Port)
	}
	var out []string
	for _, b := range r.Backends {
		text := fmt.Sprintf("%s:%d", cmp.Or(b.To.Key.Host, "?"), b.To.Port)
		if len(r.Backends) > 1 {
			text += fmt.Sprintf(" x%d", b.Weight)
		}
		if b.To.Broken {
			text = "!" + text
		}
		out = append(out, text)
	}
	return cmp.Or(strings.Join(out, ", "), "500")
}
