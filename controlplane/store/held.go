package store

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// heldSlice is an EndpointSlice as it is held. An object reference alone is larger
// than all else that is known of an endpoint, and says nothing but a Pod's name: so
// that is what is held, and the reference is made again when somebody asks.
type heldSlice struct {
	rest      discoveryv1.EndpointSlice // without endpoints
	none      bool                      // it has none, rather than an empty list
	endpoints []heldEndpoint
}

// heldEndpoint is one endpoint. Either whole is nil, or it is the endpoint and the
// other fields are zero.
type heldEndpoint struct {
	address, pod   string
	conditions     discoveryv1.EndpointConditions
	hostname       *string
	nodeName, zone *string
	hints          *discoveryv1.EndpointHints
	whole          *discoveryv1.Endpoint
}

// hold returns the form that is held; nil for nil.
func hold(s *discoveryv1.EndpointSlice) *heldSlice {
	if s == nil {
		return nil
	}
	h := &heldSlice{rest: *s, none: s.Endpoints == nil, endpoints: make([]heldEndpoint, len(s.Endpoints))}
	h.rest.Endpoints = nil
	for i := range s.Endpoints {
		e := &s.Endpoints[i]
		if !plainEndpoint(e, s.Namespace) {
			whole := *e // a pointer into the slice would hold all of them
			h.endpoints[i].whole = &whole
			continue
		}
		h.endpoints[i] = heldEndpoint{
			address: e.Addresses[0], conditions: e.Conditions, hostname: e.Hostname,
			nodeName: e.NodeName, zone: e.Zone, hints: e.Hints,
		}
		if e.TargetRef != nil {
			h.endpoints[i].pod = e.TargetRef.Name
		}
	}
	return h
}

// plainEndpoint says that an endpoint is no more than its held fields: one address,
// and no target, or a Pod of the slice's namespace of which only the name is said.
func plainEndpoint(e *discoveryv1.Endpoint, namespace string) bool {
	return len(e.Addresses) == 1 && e.DeprecatedTopology == nil &&
		(e.TargetRef == nil || e.TargetRef.Name != "" && *e.TargetRef == podTarget(namespace, e.TargetRef.Name))
}

func podTarget(namespace, name string) corev1.ObjectReference {
	return corev1.ObjectReference{Kind: "Pod", Namespace: namespace, Name: name}
}

// slice is the object again, equal to the one that was held; nil for nil.
func (h *heldSlice) slice() *discoveryv1.EndpointSlice {
	if h == nil {
		return nil
	}
	s := h.rest
	if h.none {
		return &s
	}
	n := len(h.endpoints)
	s.Endpoints = make([]discoveryv1.Endpoint, n)
	addresses, targets := make([]string, n), make([]corev1.ObjectReference, n)
	for i := range h.endpoints {
		e := &h.endpoints[i]
		if e.whole != nil {
			s.Endpoints[i] = *e.whole
			continue
		}
		addresses[i] = e.address
		s.Endpoints[i] = discoveryv1.Endpoint{
			Addresses: addresses[i : i+1 : i+1], Conditions: e.conditions, Hostname: e.hostname,
			NodeName: e.nodeName, Zone: e.zone, Hints: e.hints,
		}
		if e.pod != "" {
			targets[i] = podTarget(h.rest.Namespace, e.pod)
			s.Endpoints[i].TargetRef = &targets[i]
		}
	}
	return &s
}
