package ingest

import (
	"fmt"
	"slices"
	"time"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// defaultDNSRefresh is how long an answer without a TTL holds
// (reference/destination-rule.md 2.10).
const defaultDNSRefresh = time.Minute

// dnsRefresh is MeshConfig's dnsRefreshRate, for services that DNS resolves.
func (d defaults) dnsRefresh(how model.Resolution) time.Duration {
	if how != model.DNS && how != model.DNSRoundRobin {
		return 0
	}
	return length(d.dnsRefreshRate, defaultDNSRefresh)
}

// original is a service without endpoints, which goes where the client went: every
// policy does, whatever its load balancer says. A constraint holds always, and what
// the client chooses is not judged (semantics 4), so there nothing is sent at all.
func (r *resolver) original(p *model.Policy, b blocks) {
	if r.resolution != model.OriginalDestination {
		return
	}
	const unjudged = "the client chooses the endpoint, and nobody knows "
	switch {
	case p.Allowed != nil:
		for _, from := range p.Allowed.From {
			r.unsent(place{from.Object, from.Field}, model.NothingAllowed, unjudged+"its region: nothing is sent")
		}
	case p.SubsetLabels != nil:
		r.unsent(place{p.SubsetFrom.Object, p.SubsetFrom.Field}, model.EmptySubset, unjudged+"its labels: nothing is sent")
	default:
		p.Algorithm, p.Cluster.Hash, p.Cluster.Warmup = model.Passthrough, nil, nil
	}
	if chooses(b.LoadBalancer) {
		r.unchosen = append(r.unchosen, model.Problem{
			Object: b.At.LoadBalancer.Object, Field: b.At.LoadBalancer.Field, Severity: model.Info, Reason: model.NoEffect,
			Message: "has no effect, allowedRegions excepted: there are no endpoints to choose from, traffic goes where the client sent it",
		})
	}
	if at := p.At.OutlierDetection; at != (model.Place{}) && at.Object.Kind != v1alpha1.KindMeshConfig {
		r.unchosen = append(r.unchosen, model.Problem{
			Object: at.Object, Field: at.Field, Severity: model.Info, Reason: model.NoEffect,
			Message: "has no effect: an address that is ejected is asked all the same, since no other could take its place",
		})
	}
}

func (r *resolver) unsent(at place, why model.Reason, message string) {
	r.unchosen = append(r.unchosen, model.Problem{
		Object: at.Object, Field: at.Field, Severity: model.Warning, Reason: why, Message: message,
	})
}

// chooses says that a load balancer says how to choose an endpoint.
func chooses(lb *v1alpha1.LoadBalancer) bool {
	if lb == nil {
		return false
	}
	simple := lb.Simple != "" && lb.Simple != "UNSPECIFIED" && lb.Simple != string(model.Passthrough)
	return simple || lb.ConsistentHash != nil || lb.Warmup != nil || lb.WarmupDurationSecs != nil || lb.LocalityLbSetting.Speaks()
}

// resolutionProblems are those of how connections to the service are told, and of how its
// endpoints are found.
func (r *resolver) resolutionProblems(s *model.Service) []model.Problem {
	var out []model.Problem
	tell := func(field string, severity model.Severity, why model.Reason, message string) {
		out = append(out, model.Problem{Object: s.Object, Field: field, Severity: severity, Reason: why, Message: message})
	}
	if len(s.Blocks) > 0 {
		tell("spec.addresses", model.Info, model.ClientCannot,
			"a CIDR block is for captured connections, and for CONNECT: on the HTTP proxy port, to waypoints, ztunnels and gRPC clients it means nothing")
	}
	if port, ok := loops(s); ok {
		tell("spec.ports", model.Warning, model.NotHonoured, fmt.Sprintf(
			"port %d is a captured sidecar's own: passed on to it, a connection would come back for ever, so that it is closed", port))
	}
	if s.Resolution != model.OriginalDestination {
		return out
	}
	tell("spec.resolution", model.Info, model.ClientCannot,
		"NONE needs captured connections: on the HTTP proxy port there is no original destination, and requests to "+s.Host+" fail")
	for _, p := range r.unchosen {
		p.Message = s.Host + ": " + p.Message
		out = append(out, p)
	}
	return out
}

// loops is the first port of a service that some policy passes on, and that is one of a
// captured sidecar's own.
func loops(s *model.Service) (port uint32, ok bool) {
	if !slices.ContainsFunc(s.Policies, func(p model.Policy) bool { return p.Algorithm == model.Passthrough }) {
		return 0, false
	}
	for _, p := range s.Ports {
		if slices.Contains(model.CapturePorts(), p.Number) {
			return p.Number, true
		}
	}
	return 0, false
}
