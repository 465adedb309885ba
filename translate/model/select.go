package model

// Select says which policy rules for a proxy at one port and subset, and what
// that policy looks at of the proxy. Everything that is built for the proxy is
// a function of the Service and the returned Variant. The service must have the
// port.
func (s *Service) Select(p Proxy, port uint32, subset string) Variant {
	v := Variant{Port: port, Subset: subset}
	namespace := p.Namespace
	if p.Kind == Waypoint { // a waypoint starts at the service's namespace (semantics 3)
		namespace = ""
	}
	id, ok := s.Lookup[PolicyKey{Namespace: namespace, Port: port, Subset: subset}]
	if !ok {
		id = s.Lookup[PolicyKey{Port: port, Subset: subset}]
	}
	v.PolicyID = id
	v.View = s.view(s.Policies[id], p)
	return v
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
