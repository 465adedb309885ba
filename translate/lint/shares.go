package lint

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/coastwise/coastwise/translate/model"
)

// exactShares is D6, where endpoints are known that show it.
func exactShares(m *mesh) []hit {
	var out []hit
	seen := map[hit]bool{}
	for _, c := range m.cells() {
		if !c.acts() {
			continue
		}
		for i, d := range c.setting().Distribute {
			for _, pattern := range slices.Sorted(maps.Keys(d.To)) {
				detail := roundedUp(c.services, d.To, pattern)
				h := hit{c.ref, index(c.settingAt()+".distribute", i) + ".to[" + pattern + "]", detail}
				if detail != "" && !seen[h] {
					seen[h] = true
					out = append(out, h)
				}
			}
		}
	}
	return out
}

// roundedUp says what Istio makes of the share of a pattern, for the first service
// for which that is more than was written; "" for none.
func roundedUp(services []*model.Service, to map[string]int32, pattern string) string {
	for _, s := range services {
		for _, port := range s.Ports {
			weights := weightsOf(port.Endpoints, to, pattern)
			all := uint64(0)
			for _, w := range weights {
				all += w
			}
			if all == 0 {
				continue
			}
			share, sum := uint64(to[pattern]), uint64(0)
			var parts []string
			for _, w := range weights {
				part := (share*w + all - 1) / all
				sum += part
				parts = append(parts, strconv.FormatUint(part, 10))
			}
			if sum != share {
				return fmt.Sprintf("of %s the share %d becomes %s = %d in Istio", s.Host, share, strings.Join(parts, " + "), sum)
			}
		}
	}
	return ""
}

// weightsOf are the weights of the localities that a pattern takes, in order of the
// localities.
func weightsOf(endpoints []model.Endpoint, to map[string]int32, pattern string) []uint64 {
	found := map[model.Locality]uint64{}
	for i := range endpoints {
		if e := &endpoints[i]; !e.Locality.Empty() && mostSpecific(to, e.Locality) == pattern {
			found[e.Locality] += uint64(e.Weight)
		}
	}
	var out []uint64
	for _, l := range slices.SortedFunc(maps.Keys(found), model.Locality.Compare) {
		out = append(out, found[l])
	}
	return out
}

// mostSpecific is the pattern that takes a locality, "" for none.
func mostSpecific(to map[string]int32, l model.Locality) string {
	best, depth := "", -1
	for _, pattern := range slices.Sorted(maps.Keys(to)) {
		if p := model.ParsePattern(pattern); p.Covers(l) && p.Depth() > depth {
			best, depth = pattern, p.Depth()
		}
	}
	return best
}
