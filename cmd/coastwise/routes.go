package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// routesOf are the routes of the port of a cluster, as far as the client has them.
func (a answer) routesOf(s *model.Service, number uint32, subset string) []model.Route {
	port, _ := s.Port(number)
	if subset != "" || a.proxy.Kind == model.GRPC {
		return nil
	}
	return port.Routes
}

// writeRoutes prints those of one port in the order in which they are tried, a line for
// each backend.
func writeRoutes(w io.Writer, routes []model.Route, headers bool) {
	if len(routes) == 0 {
		return
	}
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if headers {
		fmt.Fprintln(tab, "ROUTE\tRULE\tMATCH\tTO\tWEIGHT")
	}
	for i := range routes {
		r := &routes[i]
		head := fmt.Sprintf("%s\t%d\t%s", r.Object, r.Rule, matchText(r.Match))
		for _, b := range destinations(r) {
			fmt.Fprintf(tab, "%s\t%s\t%s\n", head, b.To, b.weight())
			head = "\t\t"
		}
	}
	tab.Flush()
}

// jsonRoute is one route in the JSON of `translate`, jsonDestination where it leads.
type (
	jsonRoute struct {
		Object model.ObjectRef   `json:"object"`
		Rule   int               `json:"rule"`
		Match  string            `json:"match"`
		To     []jsonDestination `json:"to"`
	}
	jsonDestination struct {
		// To is a cluster, "redirect" or "500"; Weight is 0 where there is no choice.
		To     string `json:"to"`
		Weight uint32 `json:"weight"`
	}
)

func (d jsonDestination) weight() string {
	if d.Weight == 0 {
		return "-"
	}
	return strconv.FormatUint(uint64(d.Weight), 10)
}

func routesJSON(routes []model.Route) []jsonRoute {
	var out []jsonRoute
	for i := range routes {
		r := &routes[i]
		out = append(out, jsonRoute{Object: r.Object, Rule: r.Rule, Match: matchText(r.Match), To: destinations(r)})
	}
	return out
}

// destinations are where requests of a route go; those without weight get none.
func destinations(r *model.Route) []jsonDestination {
	if r.Redirect != nil {
		return []jsonDestination{{To: "redirect"}}
	}
	var out []jsonDestination
	for _, b := range r.Backends {
		to := "500"
		if !b.To.Broken {
			to = envoy.ClusterName(b.To.Port, "", b.To.Key.Host)
		}
		if b.Weight > 0 {
			out = append(out, jsonDestination{To: to, Weight: b.Weight})
		}
	}
	if len(out) == 0 {
		return []jsonDestination{{To: "500"}}
	}
	return out
}

// matchText is a match in one line.
func matchText(m model.RouteMatch) string {
	kind := map[model.PathKind]string{model.PathPrefix: "", model.PathExact: "=", model.PathRegex: "~"}[m.Path.Kind]
	words := []string{kind + m.Path.Value}
	if m.Method != "" {
		words = append(words, m.Method)
	}
	for _, h := range m.Headers {
		words = append(words, h.Name+valueText(h))
	}
	for _, q := range m.Query {
		words = append(words, "?"+q.Name+valueText(q))
	}
	return strings.Join(words, " ")
}

func valueText(v model.ValueMatch) string {
	if v.Regex {
		return "~" + v.Value
	}
	return "=" + v.Value
}
