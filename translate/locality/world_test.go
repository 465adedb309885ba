package locality_test

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
)

// world is one random call of Assign.
type world struct {
	View      model.View
	Policy    model.Policy
	Endpoints []model.Endpoint
}

func (w world) assign() locality.Assignment {
	return locality.Assign(w.View, w.Policy, w.Endpoints)
}

func oneOf(t *rapid.T, label string, values ...string) string {
	return rapid.SampledFrom(values).Draw(t, label)
}

// drawWorld draws a small world in which names collide often. "elsewhere" is a
// name that no endpoint and no policy knows.
func drawWorld(t *rapid.T) world {
	return world{View: drawView(t), Policy: drawPolicy(t), Endpoints: drawEndpoints(t)}
}

func drawView(t *rapid.T) model.View {
	return model.View{
		Locality: model.Locality{
			Region:  oneOf(t, "view region", "", "eu", "eu", "us", "ap", "elsewhere", model.Other),
			Zone:    oneOf(t, "view zone", "", "z1", "z1", "z2", "z3", "elsewhere", model.Other),
			SubZone: oneOf(t, "view sub-zone", "", "s1", "s2", "elsewhere", model.Other),
		},
		Node:    oneOf(t, "view node", "", "n1", "n2", "elsewhere", model.Other),
		Network: oneOf(t, "view network", "", "net1", "net2", "elsewhere", model.Other),
		Labels:  drawViewLabels(t),
	}
}

// drawViewLabels leaves "" out, as a View does.
func drawViewLabels(t *rapid.T) string {
	labels := map[string]string{}
	for _, key := range []string{"track", "version"} {
		if v := oneOf(t, "view "+key, "", "a", "b", "elsewhere", model.Other); v != "" {
			labels[key] = v
		}
	}
	return model.FormatLabels(labels)
}

func drawPolicy(t *rapid.T) model.Policy {
	p := model.Policy{
		Mode:                   rapid.SampledFrom([]model.Mode{model.Flat, model.Hints, model.Levels}).Draw(t, "mode"),
		Local:                  rapid.IntRange(0, 4).Draw(t, "local") == 0,
		OverprovisioningFactor: rapid.SampledFrom([]uint32{0, 100, 140, 1000}).Draw(t, "factor"),
		MinHealthPercent:       rapid.SampledFrom([]uint32{0, 0, 1, 50}).Draw(t, "panic"),
		Algorithm:              rapid.SampledFrom([]model.Algorithm{model.RoundRobin, model.Random}).Draw(t, "algorithm"),
	}
	if rapid.IntRange(0, 2).Draw(t, "fenced") == 0 {
		p.Allowed = &model.Allowed{Regions: rapid.SampledFrom([][]string{{}, {"eu"}, {"eu", "us"}, {"ap"}}).Draw(t, "allowed")}
	}
	if to := oneOf(t, "failover", "", "us", "ap", "eu"); to != "" {
		p.Failover = map[string]string{"eu": to, "us": "eu"}
	}
	if v := oneOf(t, "subset", "", "", "1", "2"); v != "" {
		p.SubsetLabels = map[string]string{"v": v}
	}
	if rapid.Bool().Draw(t, "distributes") {
		p.Distribute = drawDistribute(t)
	}
	if rapid.Bool().Draw(t, "tiers") {
		p.FailoverPriority = rapid.SliceOfN(rapid.Custom(drawPriorityLabel), 1, 4).Draw(t, "failoverPriority")
	}
	if d := rapid.SampledFrom([]model.Distribution{model.NoDistribution, model.NoDistribution, model.PreferZone, model.PreferNode}).Draw(t, "annotation"); d != "" {
		p.Failover, p.Distribute, p.FailoverPriority = nil, nil, d.Tiers()
	}
	return p
}

var patterns = []string{"*", "eu", "eu/z1", "eu/z1/s1", "us", "us/z1", "ap/z3", "eu/z2/s2", "nowhere"}

func drawDistribute(t *rapid.T) (out []model.Distribute) {
	for _, from := range rapid.SliceOfNDistinct(rapid.SampledFrom(patterns), 1, 4, rapid.ID).Draw(t, "from") {
		d := model.Distribute{From: model.ParsePattern(from)}
		for _, to := range rapid.SliceOfNDistinct(rapid.SampledFrom(patterns), 1, 4, rapid.ID).Draw(t, "to") {
			d.To = append(d.To, model.Share{To: model.ParsePattern(to), Percent: uint8(rapid.IntRange(1, 100).Draw(t, "percent"))})
		}
		out = append(out, d)
	}
	return out
}

func drawPriorityLabel(t *rapid.T) model.PriorityLabel {
	return model.ParsePriorityLabel(oneOf(t, "label", "version", "track", "version=b", "track=", model.LabelNetwork, model.LabelNetwork, model.LabelRegion,
		model.LabelZone, model.LabelSubZone, model.LabelNode, model.LabelNetwork+"=net2", model.LabelZone+"=z2", model.LabelRegion+"="))
}

func drawEndpoints(t *rapid.T) []model.Endpoint {
	hinted := rapid.IntRange(0, 3).Draw(t, "hinted") // bit 0: all have zone hints, bit 1: all have node hints
	quiet := rapid.IntRange(0, 3).Draw(t, "nothing ready") == 0
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) model.Endpoint {
		return drawEndpoint(t, hinted, quiet)
	}), 0, 12).Draw(t, "endpoints")
}

func drawEndpoint(t *rapid.T, hinted int, quiet bool) model.Endpoint {
	states := []model.State{model.Ready, model.Ready, model.Ready, model.Unready, model.Serving, model.Terminating, model.NeverReady, model.Behind}
	if quiet {
		states = states[3:]
	}
	region := oneOf(t, "region", "", "eu", "eu", "us", "ap")
	e := model.Endpoint{
		Address: fmt.Sprintf("10.0.0.%d", rapid.IntRange(1, 14).Draw(t, "host")),
		Port:    rapid.SampledFrom([]uint32{80, 80, 80, 81}).Draw(t, "port"),
		Weight:  rapid.SampledFrom([]uint32{1, 1, 1, 2, 100, 0, 1_000_000}).Draw(t, "weight"),
		State:   rapid.SampledFrom(states).Draw(t, "state"),
		Locality: model.Locality{
			Region:  region,
			Zone:    oneOf(t, "zone", "", "z1", "z1", "z2", "z3"),
			SubZone: oneOf(t, "sub-zone", "", "s1", "s2"),
		},
		Region:  oneOf(t, "node's region", region, region, region, "", "us"),
		Node:    oneOf(t, "node", "", "n1", "n2", "n3"),
		Network: oneOf(t, "network", "", "net1", "net2"),
		Labels: map[string]string{
			"v": oneOf(t, "v", "1", "1", "2"), "version": oneOf(t, "version", "", "a", "b"), "track": oneOf(t, "track", "", "a"),
		},
	}
	if hinted&1 == 1 || rapid.Bool().Draw(t, "zone hint") {
		e.ZoneHints = rapid.SampledFrom([][]string{{"z1"}, {"z2"}, {"z1", "z3"}}).Draw(t, "zones")
	}
	if hinted&2 == 2 || rapid.Bool().Draw(t, "node hint") {
		e.NodeHints = rapid.SampledFrom([][]string{{"n1"}, {"n2"}, {"n1", "n3"}}).Draw(t, "nodes")
	}
	return e
}

// render says an assignment in a few lines: priority, locality, reason, and the
// endpoints by the last part of the address, unhealthy ones with "!".
func render(a locality.Assignment) string {
	var b strings.Builder
	for _, g := range a.Groups {
		fmt.Fprintf(&b, "%d %s [%s]", g.Priority, g.Locality, g.Reason)
		for _, e := range g.Endpoints {
			b.WriteString(" " + short(e.Address))
			if !e.Healthy {
				b.WriteString("!")
			}
		}
		b.WriteString("\n")
	}
	for _, l := range a.LeftOut {
		fmt.Fprintf(&b, "out %s: %s\n", short(l.Address), l.Reason)
	}
	for _, n := range a.Notes {
		fmt.Fprintf(&b, "%s: %s\n", n.Reason, n.Message)
	}
	return b.String()
}

func short(address string) string { return address[strings.LastIndex(address, ".")+1:] }

// id is what makes an endpoint the same one.
func id(address string, port uint32) string { return fmt.Sprintf("%s:%d", address, port) }

// sent lists the ids of a priority, or of all with -1, sorted.
func sent(a locality.Assignment, priority int, healthyOnly bool) []string {
	var ids []string
	for _, g := range a.Groups {
		for _, e := range g.Endpoints {
			if (priority < 0 || int(g.Priority) == priority) && (e.Healthy || !healthyOnly) {
				ids = append(ids, id(e.Address, e.Port))
			}
		}
	}
	slices.Sort(ids)
	return ids
}
