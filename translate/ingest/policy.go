package ingest

import (
	"cmp"
	"reflect"

	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// resolver finds the policy of every client (semantics 3 and 4).
type resolver struct {
	rules       rules
	selectors   selectors
	fences      []model.Fence // those that cover the host
	meshAllowed []model.AllowedFrom
	service     string // the service's namespace
	root        string
	speech      speech
	local       bool
	mesh        *v1alpha1.LocalityLbSetting // nil if there is none
	meshOn      bool
	suspended   bool
	// held says that fences alone are asked for, of a service that is held back.
	held bool
	// dropped says that some policy stopped at the Service's unanswered wish for hints.
	dropped bool
	// passing is where PASSTHROUGH acts.
	passing []place
	// yielding is where PASSTHROUGH would go around a constraint, and which.
	yielding []yielded
	// regions are those with an endpoint; missing are failover regions without.
	regions map[string]bool
	missing []model.Problem
	// affinity is the Service's sessionAffinity: ClientIP, where it acts.
	affinity bool
	// altNames are those of a ServiceEntry, for rules whose tls gives none.
	altNames []string
	// defaults are the mesh's word on what rules leave open.
	defaults defaults
	// resolution is the service's; unchosen are Problems of rules for one that goes to
	// the original destination, without its host.
	resolution model.Resolution
	unchosen   []model.Problem
	// set are the policies with settings that may deserve a Problem.
	set []set
}

// yielded is a load balancer whose PASSTHROUGH yields to a constraint.
type yielded struct {
	at   place
	what string
}

// problems are those that resolving found.
func (r *resolver) problems(s *model.Service) []model.Problem {
	out := r.settingsProblems(s)
	if r.dropped {
		out = append(out, model.Problem{
			Object: s.Object, Field: r.speech.field, Severity: model.Info,
			Reason: model.HintsDropped, Message: r.speech.dropped, Safeguard: r.speech.safeguard,
		})
	}
	for _, at := range r.passing {
		out = append(out, model.Problem{
			Object: at.Object, Field: at.Field + ".simple",
			Severity: model.Info, Reason: model.ClientCannot,
			Message: "PASSTHROUGH needs captured traffic: on the HTTP proxy port there is no original destination, and requests to " + s.Host + " fail",
		})
	}
	for _, y := range r.yielding {
		out = append(out, model.Problem{
			Object: y.at.Object, Field: y.at.Field + ".simple",
			Severity: model.Warning, Reason: model.NotHonoured,
			Message: "PASSTHROUGH lets the client choose the endpoint, past " + y.what + "; " + s.Host + " is balanced by LEAST_REQUEST instead",
		})
	}
	out = append(out, r.missing...)
	out = append(out, r.resolutionProblems(s)...)
	return append(out, r.selectors.problems(r.rules.all)...)
}

func newResolver(o Objects, r rules, sp speech) *resolver {
	res := &resolver{
		rules: r, selectors: newSelectors(r.all), speech: sp, service: o.Key.Namespace,
		meshAllowed: meshAllowed(o.Mesh), root: root(o.Mesh),
		suspended: o.Mesh.Suspend, meshOn: o.Mesh.LocalityDefault,
		defaults: meshDefaults(o.Mesh),
	}
	if o.Service == nil {
		res.altNames = altNames(o.Entries[0].Spec.SubjectAltNames)
	} else {
		res.local = local(o.Service) && o.Service.Spec.Type != corev1.ServiceTypeExternalName
		res.affinity = affinity(o.Service)
	}
	if c := o.Mesh.Config; c != nil {
		res.suspended = res.suspended || c.Spec.Suspend
	}
	if l := meshSetting(o.Mesh); l != nil {
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
		_, wildcard := RuleKey(f.Object.Namespace, f.Host)
		if means(f.Object.Namespace, f.Host, o.Key.Host) || wildcard && HostMatches(f.Host, o.Key.Host) {
			r.fences = append(r.fences, f)
		}
	}
}

// levels are the namespaces whose rules a client sees, nearest first
// (semantics 3).
func (r *resolver) levels(c client) []string {
	if c.namespace == "" || c.waypoint {
		return []string{r.service, r.root}
	}
	return []string{c.namespace, r.service, r.root}
}

// fill resolves every port and subset for every class of clients. Policies that
// are equal are one.
func (r *resolver) fill(s *model.Service) {
	s.Lookup, s.Subsets = map[model.PolicyKey]model.PolicyID{}, map[model.PolicyKey][]string{}
	s.Selectors = r.selectors.served()
	r.regions = endpointRegions(s.Ports)
	r.resolution, s.DNSRefreshRate = s.Resolution, r.defaults.dnsRefresh(s.Resolution)
	table := newTable(s)
	for _, c := range r.clients() {
		found := r.rules.lookup(c, r.levels(c))
		for _, sub := range found.subsets {
			s.Subsets[c.key()] = append(s.Subsets[c.key()], sub.spec().Name)
		}
		for _, port := range s.Ports {
			key := c.key()
			key.Port = port.Number
			table.put(key, r.policy(c, port.Number, found.rule, nil))
			for _, sub := range found.subsets {
				key.Subset = sub.spec().Name
				table.put(key, r.policy(c, port.Number, found.rule, sub))
			}
		}
	}
}

// table fills a service's Policies: equal ones are one.
type table struct {
	service *model.Service
	// ids are by what equal policies have in common, so that few are compared.
	ids map[tableKey][]model.PolicyID
}

type tableKey struct {
	setting string
	rule    model.ObjectRef
	subset  model.SubsetFrom
}

func newTable(s *model.Service) *table {
	return &table{service: s, ids: map[tableKey][]model.PolicyID{}}
}

func (t *table) put(key model.PolicyKey, p model.Policy) {
	like := tableKey{p.Setting, p.Rule, p.SubsetFrom}
	for _, id := range t.ids[like] {
		if reflect.DeepEqual(p, t.service.Policies[id]) {
			t.service.Lookup[key] = id
			return
		}
	}
	id := model.PolicyID(len(t.service.Policies))
	t.service.Policies = append(t.service.Policies, p)
	t.ids[like] = append(t.ids[like], id)
	t.service.Lookup[key] = id
}

// policy is what rules for a class of clients at one port: the rule that decides
// for them, or nil, and the subset, or nil for the service as a whole.
func (r *resolver) policy(c client, port uint32, rule *v1alpha1.DestinationRule, sub *subset) model.Policy {
	b := effective(rule, port, sub)
	p := model.Policy{
		Mode: model.Flat, Setting: "none", Local: r.local, Allowed: r.allowed(c, port, sub.name()),
		OverprovisioningFactor: model.DefaultOverprovisioningFactor,
		Algorithm:              algorithm(b.LoadBalancer), HintField: r.speech.field,
	}
	switch {
	case b.LoadBalancer != nil: // of a united subset it may be another rule's
		p.Rule = b.At.LoadBalancer.Object
	case rule != nil:
		p.Rule = ruleRef(rule)
	}
	if sub != nil {
		p.SubsetFrom = model.SubsetFrom{Object: ruleRef(sub.rule), Field: sub.place().child("labels").Field}
		if labels := sub.spec().Labels; len(labels) > 0 {
			p.SubsetLabels = labels
		}
	}
	if what := yield(&p); what != "" {
		r.yielding = append(r.yielding, yielded{b.At.LoadBalancer, what})
	} else if p.Algorithm == model.Passthrough {
		r.passing = append(r.passing, b.At.LoadBalancer)
	}
	if l := b.locality(); l.Speaks() && (l.Enabled == nil || *l.Enabled) {
		r.missing = append(r.missing, missingRegions(b.At.LoadBalancer.child("localityLbSetting"), l.Failover, r.regions)...)
	}
	r.order(&p, b.locality(), b.At.LoadBalancer.child("localityLbSetting"))
	r.settings(&p, port, b)
	r.original(&p, b)
	return p
}

// yield balances where PASSTHROUGH would go around a constraint, which holds
// always (semantics 4): what the client chooses is not judged. It says which
// constraint, "" if there is none.
func yield(p *model.Policy) string {
	what := ""
	switch {
	case p.Algorithm != model.Passthrough:
		return ""
	case p.Local:
		what = "internalTrafficPolicy: Local"
	case p.Allowed != nil:
		what = "allowedRegions"
	case p.SubsetLabels != nil:
		what = "the labels of the subset"
	default:
		return ""
	}
	p.Algorithm = model.LeastRequest
	return what
}

// order is semantics 3.1 to 3.5: the first setting that speaks is taken whole. at
// is where the rule's stands.
func (r *resolver) order(p *model.Policy, rule *v1alpha1.LocalityLbSetting, at place) {
	switch {
	case r.suspended:
		p.Setting = "suspended"
	case rule.Speaks():
		p.Setting = "rule " + p.Rule.Namespace + "/" + p.Rule.Name
		if rule.Enabled == nil || *rule.Enabled {
			levels(p, rule, at.model())
		}
	case r.speech.mode != "":
		p.Mode, p.Setting = r.speech.mode, r.speech.setting
		if p.Mode == model.Hints && r.mesh != nil {
			p.Failover = failover(r.mesh.Failover)
		}
		if p.Mode == model.Levels {
			p.FailoverPriority = r.speech.tiers
		}
		r.dropped = r.dropped || r.speech.dropped != ""
	case r.meshOn:
		p.Setting = "mesh"
		levels(p, r.mesh, model.Place{
			Object: model.ObjectRef{Kind: v1alpha1.KindMeshConfig, Name: v1alpha1.MeshConfigName}, Field: fieldMeshLocality,
		})
	}
}

// levels is what a setting that is on says, and where it stands; nil is one that
// says no more.
func levels(p *model.Policy, l *v1alpha1.LocalityLbSetting, at model.Place) {
	p.Mode = model.Levels
	if l == nil {
		return
	}
	p.Failover = failover(l.Failover)
	p.FailoverPriority = failoverPriority(l.FailoverPriority)
	if p.Distribute = distribute(l.Distribute); p.Distribute != nil {
		p.DistributeAt = model.Place{Object: at.Object, Field: at.Field + ".distribute"}
	}
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
