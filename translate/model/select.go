package model

import "slices"

// NoPolicy is the PolicyID of a subset that the client does not have.
const NoPolicy PolicyID = -1

// Select says which policy rules for a proxy at one port and subset, and what
// that policy looks at of the proxy. Everything that is built for the proxy is
// a function of the Service and the returned Variant. The service must have the
// port. A subset that the proxy does not have has NoPolicy.
//
// The proxy's labels count only as the set of workloadSelectors that they match,
// so a client cannot make variants by inventing labels.
func (s *Service) Select(p Proxy, port uint32, subset string) Variant {
	v := Variant{Port: port, Subset: subset, PolicyID: s.PolicyID(p, port, subset)}
	if v.PolicyID == NoPolicy {
		return v
	}
	form := p.Form()
	v.View = s.view(s.Policies[v.PolicyID].For(form), p)
	v.View.Form = form
	return v
}

// PolicyID is that of Select's Variant. Of the proxy it looks at the kind, the
// namespace and the labels only.
func (s *Service) PolicyID(p Proxy, port uint32, subset string) PolicyID {
	key := s.class(p.Kind, p.Namespace, port, func(sel Selector) bool { return sel.Matches(p.Labels) })
	key.Port, key.Subset = port, subset
	if id, ok := s.Lookup[key]; ok {
		return id
	}
	return NoPolicy
}

// HasSubset says whether a proxy has a subset of the service; "" is the service
// as a whole.
func (s *Service) HasSubset(p Proxy, subset string) bool {
	return subset == "" || len(s.Ports) > 0 && s.Select(p, s.Ports[0].Number, subset).PolicyID != NoPolicy
}

// SubsetsOf lists the subsets of all clients of one kind and namespace that match
// the selectors for which matches is true; sorted.
func (s *Service) SubsetsOf(kind Kind, namespace string, matches func(Selector) bool) []string {
	if len(s.Ports) == 0 || len(s.Subsets) == 0 {
		return nil
	}
	return s.Subsets[s.class(kind, namespace, s.Ports[0].Number, matches)]
}

// AllSubsets lists every subset that some client has, sorted.
func (s *Service) AllSubsets() []string {
	var out []string
	for _, names := range s.Subsets {
		out = append(out, names...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// class is the class of a client in Lookup: its own, else that of all whose
// namespace nothing names. A waypoint starts at the service's namespace
// (semantics 3), so its own counts only where a rule is not for all.
func (s *Service) class(kind Kind, namespace string, port uint32, matches func(Selector) bool) PolicyKey {
	var matched []string
	for _, sel := range s.Selectors[namespace] {
		if matches(sel) {
			matched = append(matched, sel.Text)
		}
	}
	waypoint := kind == Waypoint
	for _, key := range []PolicyKey{
		{Namespace: namespace, Waypoint: waypoint, Selectors: JoinSelectors(matched)},
		{Waypoint: waypoint},
	} {
		at := key
		at.Port = port
		if _, ok := s.Lookup[at]; ok {
			return key
		}
	}
	return PolicyKey{}
}

// view projects a proxy to what the policy looks at.
func (s *Service) view(policy Policy, p Proxy) View {
	var v View
	if policy.Algorithm == Passthrough {
		return v
	}
	if policy.Local {
		v.Node = s.Places.node(p.Node)
	}
	switch policy.Mode {
	case Levels:
		s.prioritized(&v, policy, p)
	case Hints:
		v.Locality = s.Places.locality(p.Locality)
		v.Locality.SubZone = ""
		if !policy.Local {
			v.Node = s.Places.hinted(p.Node)
		}
	}
	return v
}

// prioritized is what default levels, distribute and label tiers look at.
func (s *Service) prioritized(v *View, policy Policy, p Proxy) {
	place := s.Places.locality(p.Locality)
	if policy.Graded() || len(policy.Distribute) > 0 {
		v.Locality = place
	}
	if policy.asks(LabelRegion) {
		v.Locality.Region = place.Region
	}
	if policy.asks(LabelZone) {
		v.Locality.Zone = place.Zone
	}
	if policy.asks(LabelSubZone) { // as a label it counts outside its zone too
		v.Locality.SubZone = known(s.Places.SubZones, p.Locality.SubZone)
	}
	if policy.asks(LabelNode) {
		v.Node = s.Places.node(p.Node)
	}
	if policy.asks(LabelNetwork) {
		v.Network = known(s.Places.Networks, p.Network)
	}
	v.Labels = s.Places.labels(policy, p.Labels)
}

// labels keeps those that the policy compares; one without a value is as good
// as absent.
func (pl Places) labels(policy Policy, all map[string]string) string {
	out := map[string]string{}
	for _, l := range policy.FailoverPriority {
		if value := known(pl.Labels[l.Key], all[l.Key]); value != "" && !l.Fixed && l.Ordinary() {
			out[l.Key] = value
		}
	}
	return FormatLabels(out)
}

// locality keeps what the service knows and calls all else Other.
func (pl Places) locality(l Locality) Locality {
	out := Locality{
		Region:  known(pl.Regions, l.Region),
		Zone:    known(pl.Zones, l.Zone),
		SubZone: known(pl.SubZones, l.SubZone),
	}
	if out.Zone == "" || out.Zone == Other || out.SubZone == Other {
		out.SubZone = "" // a sub-zone counts only inside a zone that somebody else is in
	}
	return out
}

func (pl Places) node(name string) string { return known(pl.Nodes, name) }

// hinted is the node under hints, where one that no endpoint is hinted for is as
// good as none.
func (pl Places) hinted(name string) string {
	if pl.HintedNodes[name] {
		return name
	}
	return ""
}

func known(set map[string]bool, name string) string {
	if name == "" || set[name] {
		return name
	}
	return Other
}
