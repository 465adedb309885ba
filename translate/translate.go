package translate

import (
	"cmp"
	"fmt"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
	"github.com/coastwise/coastwise/translate/predict"
)

// Built is everything that one variant of a service comes to.
type Built struct {
	Assignment locality.Assignment
	Cluster    envoy.Resource
	// Endpoints is the zero Resource where the cluster has no load assignment, or
	// holds it itself; Cluster too where clients of the form do not get it at all.
	Endpoints envoy.Resource
	// Tunnel and TunnelEndpoints are those of direct tunnels, beside the others: the zero
	// Resource where the port has none (envoy.Tunnel).
	Tunnel, TunnelEndpoints envoy.Resource
	Problems                []model.Problem
}

// Build decides, encodes and validates one variant. It is a function of its
// arguments alone, so a variant is a sufficient key for what it returns. An
// error is ours, not the user's: a resource that Envoy or gRPC would refuse.
func Build(s *model.Service, v model.Variant) (Built, error) {
	port, ok := s.Port(v.Port)
	if !ok {
		return Built{}, fmt.Errorf("%s has no port %d", s.Object, v.Port)
	}
	if v.PolicyID < 0 || int(v.PolicyID) >= len(s.Policies) {
		return Built{}, fmt.Errorf("%s port %d has no subset %q for this client", s.Object, v.Port, v.Subset)
	}
	var b Built
	if b.Assignment, b.Problems = decide(s, v, port); withheld(s, v) {
		return b, nil
	}
	var err error
	if b.Cluster, err = cluster(s, v, b.Assignment); err != nil {
		return Built{}, err
	}
	if b.Endpoints, err = endpoints(s, v, b.Assignment); err != nil {
		return Built{}, err
	}
	if b.Endpoints.Name == "" {
		err = envoy.ValidateWithin(s, v, b.Cluster)
	}
	if err != nil {
		return Built{}, err
	}
	if b.Tunnel, b.TunnelEndpoints, err = tunnel(s, v, b.Assignment); err != nil {
		return Built{}, err
	}
	return b, nil
}

// tunnel is the cluster of direct tunnels and its endpoints, or the zero Resource.
func tunnel(s *model.Service, v model.Variant, a locality.Assignment) (cluster, endpoints envoy.Resource, err error) {
	cluster, err = envoy.Tunnel(s, v)
	if err != nil || cluster.Name == "" {
		return cluster, endpoints, err
	}
	if endpoints, err = envoy.TunnelAssignment(s, v, a); err == nil {
		err = cmp.Or(envoy.ValidateFor(v.View.Form, cluster), envoy.ValidateFor(v.View.Form, endpoints), envoy.ValidateWithin(s, v, endpoints))
	}
	return cluster, endpoints, err
}

// decide is what one variant that there is gets, before it is encoded, and what
// there is to tell of it: nothing is decided for clients that get no cluster.
func decide(s *model.Service, v model.Variant, port model.Port) (locality.Assignment, []model.Problem) {
	written := s.Policies[v.PolicyID]
	told := s.Cannot(written, v.View.Form)
	if v.View.Form == model.HBONE {
		told = append(told, s.Blind(port, written)...)
	}
	if withheld(s, v) {
		return locality.Assignment{}, told
	}
	policy := written.For(v.View.Form)
	a := assign(v.View, policy, port.Endpoints)
	return a, model.SortProblems(append(told, problems(s, policy, a.Notes)...))
}

// withheld says that clients of the variant's form get no cluster.
func withheld(s *model.Service, v model.Variant) bool {
	_, what := s.Withheld(s.Policies[v.PolicyID], v.View.Form)
	return what != ""
}

// assign decides, for gRPC clients what an Envoy would make of the decision.
func assign(view model.View, policy model.Policy, endpoints []model.Endpoint) locality.Assignment {
	a := locality.Assign(view, policy, endpoints)
	if view.Form == model.GRPCForm {
		return predict.Hard(a)
	}
	return a
}

func cluster(s *model.Service, v model.Variant, a locality.Assignment) (envoy.Resource, error) {
	r, err := envoy.Cluster(s, v, a)
	if err == nil {
		err = envoy.ValidateFor(v.View.Form, r)
	}
	if err == nil {
		err = envoy.ValidateCredentials(s, v, r)
	}
	return r, err
}

// endpoints is the zero Resource where the cluster needs none.
func endpoints(s *model.Service, v model.Variant, a locality.Assignment) (envoy.Resource, error) {
	r, err := envoy.LoadAssignment(s, v, a)
	if err != nil || r.Name == "" {
		return r, err
	}
	err = envoy.ValidateFor(v.View.Form, r)
	if err == nil {
		err = envoy.ValidateWithin(s, v, r)
	}
	return r, err
}

// problems puts what an assignment noted onto the objects that can mend it.
func problems(s *model.Service, policy model.Policy, notes []locality.Note) []model.Problem {
	var out []model.Problem
	for _, n := range notes {
		switch n.Reason {
		case model.NothingAllowed:
			for _, from := range policy.Allowed.From {
				out = append(out, model.Problem{
					Object: from.Object, Field: from.Field,
					Severity: model.Warning, Reason: n.Reason, Message: s.Host + ": " + n.Message,
				})
			}
		case model.EmptySubset:
			out = append(out, model.Problem{
				Object: policy.SubsetFrom.Object, Field: policy.SubsetFrom.Field,
				Severity: model.Warning, Reason: n.Reason, Message: s.Host + ": " + n.Message,
			})
		case model.NoNode:
			out = append(out, model.Problem{
				Object: s.Object, Field: "spec.internalTrafficPolicy",
				Severity: model.Info, Reason: n.Reason, Message: n.Message,
			})
		case model.NoLocality:
			out = append(out, distribution(s, policy, model.Info, n))
		case model.NothingListed:
			out = append(out, distribution(s, policy, model.Warning, n))
		case model.ClientCannot:
			out = append(out, unweighed(s, policy, n))
		case model.HintsDropped:
			out = append(out, model.Problem{
				Object: s.Object, Field: policy.HintField,
				Severity: model.Info, Reason: n.Reason, Message: n.Message, Safeguard: n.Safeguard,
			})
		}
	}
	return out
}

// unweighed is a problem of the rule that chose RANDOM, or of the endpoints where it is
// the clients that know no weights.
func unweighed(s *model.Service, policy model.Policy, n locality.Note) model.Problem {
	out := model.Problem{Object: s.Object, Field: s.EndpointsField, Severity: model.Info, Reason: n.Reason, Message: n.Message}
	if policy.Algorithm == model.Random {
		out.Object, out.Field, out.Message = policy.At.LoadBalancer.Object, policy.At.LoadBalancer.Field, s.Host+": "+n.Message
	}
	return out
}

// distribution is a problem of the setting whose distribute ruled.
func distribution(s *model.Service, policy model.Policy, severity model.Severity, n locality.Note) model.Problem {
	return model.Problem{
		Object: policy.DistributeAt.Object, Field: policy.DistributeAt.Field,
		Severity: severity, Reason: n.Reason, Message: s.Host + ": " + n.Message,
	}
}
