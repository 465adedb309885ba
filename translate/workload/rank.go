package workload

import (
	"cmp"
	"slices"
	"strings"

	"github.com/coastwise/coastwise/third_party/istio/workloadapi"
	"github.com/coastwise/coastwise/translate/model"
)

// From is where the client behind a ztunnel is.
type From struct {
	Network, Node, Cluster string
	Locality               model.Locality
}

// Choice is what a ztunnel makes of one workload of a service.
type Choice struct {
	Workload *workloadapi.Workload
	// Rank is how many of the service's scopes match, one after the other.
	Rank int
	// Share is the part of new connections that it gets, in percent: 0 where another is
	// of a better rank, or where it is not healthy.
	Share float64
}

// Ranks says how a ztunnel chooses among the workloads of a service
// (reference/ambient.md 6): of those that it may use the best rank alone, and there at
// random by capacity. The better comes first, then the workloads are in the order of
// their uids. In mode PASSTHROUGH there is no choice, and no answer.
func Ranks(from From, s *workloadapi.Service, workloads []*workloadapi.Workload) []Choice {
	lb := s.GetLoadBalancing()
	if lb.GetMode() == workloadapi.LoadBalancing_PASSTHROUGH {
		return nil
	}
	var out []Choice
	best, total := 0, 0.0
	for _, w := range workloads {
		if _, ok := w.GetServices()[s.GetNamespace()+"/"+s.GetHostname()]; !ok {
			continue
		}
		c := Choice{Workload: w, Rank: rank(from, lb, w)}
		if usable(lb, c) && c.Rank > best {
			best, total = c.Rank, 0
		}
		if usable(lb, c) && c.Rank == best {
			total += weightOf(w)
		}
		out = append(out, c)
	}
	for i := range out {
		if usable(lb, out[i]) && out[i].Rank == best && total > 0 {
			out[i].Share = 100 * weightOf(out[i].Workload) / total
		}
	}
	slices.SortFunc(out, func(a, b Choice) int {
		return cmp.Or(cmp.Compare(b.Rank, a.Rank), strings.Compare(a.Workload.GetUid(), b.Workload.GetUid()))
	})
	return out
}

// usable says that a ztunnel may send to it at all.
func usable(lb *workloadapi.LoadBalancing, c Choice) bool {
	if lb.GetMode() == workloadapi.LoadBalancing_STRICT && c.Rank < len(lb.GetRoutingPreference()) {
		return false
	}
	return c.Workload.GetStatus() == workloadapi.WorkloadStatus_HEALTHY ||
		lb.GetHealthPolicy() == workloadapi.LoadBalancing_ALLOW_ALL
}

func weightOf(w *workloadapi.Workload) float64 {
	if w.GetCapacity() == nil {
		return 1
	}
	return float64(w.GetCapacity().GetValue())
}

// rank counts scopes until one does not match; another network in first place does not
// end it, and does not count. Equal is equal, unknown places too.
func rank(from From, lb *workloadapi.LoadBalancing, w *workloadapi.Workload) int {
	n := 0
	for i, scope := range lb.GetRoutingPreference() {
		switch {
		case matches(from, scope, w):
			n++
		case i == 0 && scope == workloadapi.LoadBalancing_NETWORK:
		default:
			return n
		}
	}
	return n
}

func matches(from From, scope workloadapi.LoadBalancing_Scope, w *workloadapi.Workload) bool {
	switch scope {
	case workloadapi.LoadBalancing_REGION:
		return from.Locality.Region == w.GetLocality().GetRegion()
	case workloadapi.LoadBalancing_ZONE:
		return from.Locality.Zone == w.GetLocality().GetZone()
	case workloadapi.LoadBalancing_SUBZONE:
		return from.Locality.SubZone == w.GetLocality().GetSubzone()
	case workloadapi.LoadBalancing_NODE:
		return from.Node == w.GetNode()
	case workloadapi.LoadBalancing_CLUSTER:
		return from.Cluster == w.GetClusterId()
	case workloadapi.LoadBalancing_NETWORK:
		return from.Network == w.GetNetwork()
	}
	return false
}
