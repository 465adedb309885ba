package ingest

import (
	"cmp"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// resolver finds the policy of every client (semantics 3 and 4).
type resolver struct {
	rules       rules
	fences      []model.Fence // those that cover the host
	meshAllowed []model.AllowedFrom
	service     string // the service's namespace
	root        string
	speech      speech
	local       bool
	mesh        *v1alpha1.LocalityLbSetting // honoured, or nil
	meshOn      bool
	suspended   bool
	// dropped says that some policy stopped at the Service's unanswered wish for hints.
	dropped bool
	// passing are rules whose PASSTHROUGH acts.
	passing []model.ObjectRef
	// yielding are rules whose PASSTHROUGH would go around a constraint.
	yielding []model.ObjectRef
	// affinity is the Service's sessionAffinity: ClientIP.
	affinity bool
	// defaults are the mesh's word on what rules leave open.
	defaults defaults
	// set are the policies with settings that may deserve a Problem.
	set []set
}

// problems are those that resolving found.
func (r *resolver) problems(s *model.Service) []model.Problem {
	out := r.settingsProblems(s)
	if r.dropped {
		out = append(out, model.Problem{
			Object: s.Object, Field: r.speech.field, Severity: model.Info,
			Reason: model.HintsDropped, Message: r.speech.dropped,
		})
	}
	for _, rule := range r.passing {
		out = append(out, model.Problem{
			Object: rule, Field: "spec.trafficPolicy.loadBalancer.simple",
			Severity: model.Info, Reason: model.ClientCannot,
			Message: "PASSTHROUGH needs captured traffic: on the HTTP proxy port there is no original destination, and requests to " + s.Host + " fail",
		})
	}
	constraint := "allowedRegions"
	if r.local {
		constraint = "internalTrafficPolicy: Local"
	}
	for _, rule := range r.yielding {
		out = append(out, model.Problem{
			Object: rule, Field: "spec.trafficPolicy.loadBalancer.simple",
			Severity: model.Warning, Reason: model.NotHonoured,
			Message: "PASSTHROUGH lets the client choose the endpoint, past " + constraint + "; " + s.Host + " is balanced by LEAST_REQUEST instead",
		})
	}
	return out
}

func newResolver(o Objects, r rules, sp speech) *resolver {
	res := &resolver{
		rules: r, speech: sp, local: local(o.Service), service: o.Service.Namespace,
		meshAllowed: meshAllowed(o.Mesh), root: root(o.Mesh),
		suspended: o.Mesh.Suspend, meshOn: o.Mesh.LocalityDefault,
		defaults: meshDefaults(o.Mesh), affinity: o.Service.Spec.SessionAffinity == corev1.ServiceAffinityClientIP,
	}
	if c := o.Mesh.Config; c != nil {
		res.suspended = res.suspended || c.Spec.Suspend
	}
	if l := meshSetting(o.Mesh); l != nil && l.Honoured() {
		res.mesh = l
		if l.Enabled != nil {
			res.meshOn = *l.Enabled
		}
	}
	res.cover(o)
	return res
}

// root is the namespace whose rules are for all.
func root(m Mesh) string {
	switch {
	case m.Config != nil:
		return cmp.Or(m.Config.Spec.RootNamespace, defaultRootNamespace)
	case m.Fence != nil:
		return cmp.Or(m.Fence.RootNamespace, defaultRootNamespace)
	}
	return defaultRootNamespace
}

// cover keeps the fences of rules that mean this host.
func (r *resolver) cover(o Objects) {
	for _, f := range o.Fences {
		key, wildcard := RuleKey(f.Object.Namespace, f.Host)
		if key == o.Key || wildcard && HostMatches(f.Host, o.Key.Host) {
			r.fences = append(r.fences, f)
		}
	}
}

// visible are the namespaces whose rules a client's namespace sees, nearest
// first; "" is a client whose own namespace has none.
func (r *resolver) visible(client string) []string {
	if client == "" {
		return []string{r.service, r.root}
	}
	return []string{client, r.service, r.root}
}

// fill resolves every port for every namespace that has a rule or fence of its
// own, and for all others. Policies that are equal are one.
func (r *resolver) fill(s *model.Service) {
	s.Lookup = map[model.PolicyKey]model.PolicyID{}
	namespaces := r.clients()
	for _, port := range s.Ports {
		for _, ns := range namespaces {
			p := r.policy(ns, port.Number)
			id := slices.IndexFunc(s.Policies, func(q model.Policy) bool { return reflect.DeepEqual(p, q) })
			if id < 0 {
				id = len(s.Policies)
				s.Policies = append(s.Policies, p)
			}
			s.Lookup[model.PolicyKey{Namespace: ns, Port: port.Number}] = model.PolicyID(id)
		}
	}
}

// clients are "" and the namespaces that a rule or fence stands in, sorted.
func (r *resolver) clients() []string {
	out := []string{""}
	for _, dr := range r.rules.all {
		out = append(out, dr.Namespace)
	}
	for _, f := range r.fences {
		out = append(out, f.Object.Namespace)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// policy is what rules for clients of one namespace ("" is any other) at one port.
func (r *resolver) policy(client string, port uint32) model.Policy {
	visible := r.visible(client)
	rule := r.rules.lookup(visible)
	b := effective(rule, port, nil)
	p := model.Policy{
		Mode: model.Flat, Setting: "none", Local: r.local, Allowed: r.allowed(visible, port),
		OverprovisioningFactor: model.DefaultOverprovisioningFactor,
		Algorithm:              algorithm(b.LoadBalancer), HintField: r.speech.field,
	}
	if rule != nil {
		p.Rule = ruleRef(rule)
	}
	if yield(&p) {
		r.yielding = append(r.yielding, p.Rule)
	} else if p.Algorithm == model.Passthrough {
		r.passing = append(r.passing, p.Rule)
	}
	r.order(&p, b.locality())
	r.settings(&p, port, b)
	return p
}

// yield balances where PASSTHROUGH would go around a constraint, which holds
// always (semantics 4): what the client chooses is not judged.
func yield(p *model.Policy) bool {
	if p.Algorithm != model.Passthrough || p.Allowed == nil && !p.Local {
		return false
	}
	p.Algorithm = model.LeastRequest
	return true
}

// order is semantics 3.1 to 3.5: the first setting that speaks is taken whole.
func (r *resolver) order(p *model.Policy, rule *v1alpha1.LocalityLbSetting) {
	switch {
	case r.suspended:
		p.Setting = "suspended"
	case rule.Speaks():
		p.Setting = "rule " + p.Rule.Namespace + "/" + p.Rule.Name
		if rule.Enabled == nil || *rule.Enabled {
			levels(p, rule)
		}
	case r.speech.mode != "":
		p.Mode, p.Setting = r.speech.mode, r.speech.setting
		if p.Mode == model.Hints && r.mesh != nil {
			p.Failover = failover(r.mesh.Failover)
		}
		r.dropped = r.dropped || r.speech.dropped != ""
	case r.meshOn:
		p.Setting = "mesh"
		levels(p, r.mesh)
	}
}

// levels is what a setting that is on says; nil is one that says no more.
func levels(p *model.Policy, l *v1alpha1.LocalityLbSetting) {
	p.Mode = model.Levels
	if l == nil {
		return
	}
	p.Failover = failover(l.Failover)
	if t := l.FailoverThreshold; t != nil && *t > 0 {
		p.OverprovisioningFactor = (10000 + uint32(*t) - 1) / uint32(*t)
	}
}

// failover is by the client's region, of which the first entry counts.
func failover(list []v1alpha1.Failover) map[string]string {
	if len(list) == 0 {
		return nil
	}
	out := make(map[string]string, len(list))
	for _, f := range list {
		if _, ok := out[f.From]; !ok && f.From != model.Other {
			out[f.From] = f.To
		}
	}
	return out
}

// algorithm is loadBalancer.simple; all that is unset is LEAST_REQUEST.
func algorithm(lb *v1alpha1.LoadBalancer) model.Algorithm {
	if lb == nil {
		return model.LeastRequest
	}
	switch a := model.Algorithm(lb.Simple); a {
	case model.RoundRobin, model.Random, model.Passthrough:
		return a
	}
	return model.LeastRequest
}
