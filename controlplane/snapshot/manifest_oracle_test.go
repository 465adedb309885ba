package snapshot

import (
	"fmt"
	"slices"
	"strings"

	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// checkFences reads the text of every rule and mesh in its own slow way: whatever
// is admitted or refused, no endpoint stands outside an allowedRegions that is
// written where it belongs (semantics 4.1, 8.1).
func checkFences(t rapid.TB, ms []manifest, all map[string]sight) {
	where := oracleRegions(ms)
	for _, m := range ms {
		if kind := m.result.Ref.Kind; kind != "DestinationRule" && kind != "MeshConfig" {
			continue
		}
		var root struct{ Spec map[string]any }
		if yaml.Unmarshal([]byte(m.text), &root) != nil {
			continue
		}
		for key, s := range all {
			_, _, host, ok := envoy.ParseClusterName(s.name)
			if !ok || s.endpoints == nil || !m.covers(root.Spec, s.client, host) {
				continue
			}
			allowed, written := oracleAllowed(root.Spec, m.result.Ref.Kind == "MeshConfig")
			for _, g := range s.endpoints.GetEndpoints() {
				for _, e := range g.GetLbEndpoints() {
					address := e.GetEndpoint().GetAddress()
					a := address.GetSocketAddress().GetAddress()
					if tunnel := address.GetEnvoyInternalAddress(); tunnel != nil {
						a, _, _ = strings.Cut(tunnel.GetEndpointId(), ":")
					}
					if written && !slices.ContainsFunc(where[a], func(r string) bool { return r != "" && slices.Contains(allowed, r) }) {
						t.Errorf("%s: %s is in %q, and %s allows %q", key, a, where[a], m.result.Ref, allowed)
					}
				}
			}
		}
	}
}

// covers says that a rule or mesh surely holds for a client and a host; less often
// than it does.
func (m manifest) covers(spec map[string]any, client model.Proxy, host string) bool {
	ref := m.result.Ref
	if ref.Kind == "MeshConfig" {
		return true
	}
	written, _ := spec["host"].(string)
	if !oracleMatches(ref.Namespace, written, host) || !m.refused && (spec["exportTo"] != nil || spec["workloadSelector"] != nil) {
		return false
	}
	return strings.HasSuffix(host, "."+ref.Namespace+".svc.cluster.local") || client.Kind != model.Waypoint && client.Namespace == ref.Namespace
}

// oracleMatches is semantics 3's completion of hosts, written out.
func oracleMatches(namespace, pattern, host string) bool {
	const domain = ".svc.cluster.local"
	pattern = strings.ToLower(pattern)
	name, ns, _ := strings.Cut(strings.TrimSuffix(host, domain), ".")
	forms := []string{host, "*"}
	if strings.HasSuffix(host, domain) {
		forms = append(forms, name+"."+ns, name+"."+ns+".svc", "*."+ns, "*."+ns+".svc", "*."+ns+domain, "*"+domain)
		if ns == namespace {
			forms = append(forms, name)
		}
	}
	for rest := host; rest != ""; { // any longer or shorter suffix
		_, rest, _ = strings.Cut(rest, ".")
		forms = append(forms, "*."+rest)
	}
	return slices.Contains(forms, pattern)
}

// oracleAllowed is the list at the top of a rule or mesh.
func oracleAllowed(spec map[string]any, mesh bool) (regions []string, written bool) {
	path := []string{"trafficPolicy", "loadBalancer", "localityLbSetting"}
	if mesh {
		path = path[2:]
	}
	for _, key := range path {
		spec, _ = spec[key].(map[string]any)
	}
	value, written := spec["allowedRegions"]
	list, _ := value.([]any)
	for _, v := range list {
		region, ok := v.(string)
		if !ok || region == "" {
			return nil, true // unreadable allows nothing
		}
		regions = append(regions, region)
	}
	return regions, written
}

// oracleShares holds the weights on the wire against the distribute of the policy
// that rules: every listed pattern has its percentage of 10,000, of what patterns
// with endpoints have together, but for one part per locality.
func oracleShares(h *Hub, s sight) string {
	port, subset, host, ok := envoy.ParseClusterName(s.name)
	if !ok {
		return "" // it is no service's
	}
	service := oracleService(h, host)
	v := service.Select(s.client, port, subset)
	if v.PolicyID == model.NoPolicy || service.Policies[v.PolicyID].Mode != model.Levels {
		return ""
	}
	to := oracleDistribute(service.Policies[v.PolicyID].Distribute, s.client.Locality)
	placed := slices.ContainsFunc(s.endpoints.GetEndpoints(), func(g *endpointv3.LocalityLbEndpoints) bool {
		return g.GetLocality().GetRegion()+g.GetLocality().GetZone() != ""
	})
	if !placed { // flat, since no endpoint has a locality
		return ""
	}
	got, groups := make([]int, len(to)), make([]int, len(to))
	sum, listed := 0, true
	for _, g := range s.endpoints.GetEndpoints() {
		if g.GetPriority() > 0 {
			continue
		}
		l := g.GetLocality()
		i := oraclePattern(to, model.Locality{Region: l.GetRegion(), Zone: l.GetZone(), SubZone: l.GetSubZone()})
		if i < 0 {
			listed = false // nothing listed is left: the order rules
			continue
		}
		got[i], groups[i] = got[i]+int(g.GetLoadBalancingWeight().GetValue()), groups[i]+1
		sum += int(g.GetLoadBalancingWeight().GetValue())
	}
	percent := 0
	for i, s := range to {
		if groups[i] > 0 {
			percent += int(s.Percent)
		}
	}
	if len(to) == 0 || !listed || percent == 0 {
		return ""
	}
	for i, s := range to {
		if groups[i] > 0 {
			if off := got[i]*percent - 10_000*int(s.Percent); max(off, -off) > percent*(groups[i]+1) {
				return fmt.Sprintf("%v has %d of %d, not %d in %d", s.To, got[i], sum, s.Percent, percent)
			}
		}
	}
	if n := len(s.endpoints.GetEndpoints()); sum < 10_000 || sum > 10_000+n { // a share that rounds to 0 is 1 on the wire
		return fmt.Sprintf("%d parts are given away", sum)
	}
	return ""
}

func oracleService(h *Hub, host string) *model.Service {
	for key, e := range h.Snapshot().Entries {
		if key.Host == host {
			return e.Service
		}
	}
	return nil
}

func oracleDistribute(ds []model.Distribute, client model.Locality) []model.Share {
	best, depth := []model.Share(nil), -1
	for _, d := range ds {
		if n := d.From.Depth(); d.From.Covers(client) && n > depth {
			best, depth = d.To, n
		}
	}
	return best
}

func oraclePattern(to []model.Share, l model.Locality) int {
	best, depth := -1, -1
	for i, s := range to {
		if n := s.To.Depth(); s.To.Covers(l) && n > depth {
			best, depth = i, n
		}
	}
	return best
}
