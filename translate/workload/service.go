package workload

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/third_party/istio/workloadapi"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// service is the message of a service that has one.
func service(s *model.Service, o ingest.Objects, waypoint *Waypoint) *workloadapi.Service {
	network := ""
	if o.Namespace != nil {
		network = o.Namespace.Labels[model.LabelNetwork]
	}
	out := &workloadapi.Service{
		Name: s.Name, Namespace: s.Namespace, Hostname: s.Host,
		Ports: servicePorts(s, o.Service), LoadBalancing: loadBalancing(s, o), IpFamilies: families(o.Service),
		Waypoint: waypoint.address(), Canonical: o.Service != nil, Visibility: visibility(s),
	}
	for _, vip := range s.VIPs {
		if ip, ok := bytesOf(vip); ok {
			out.Addresses = append(out.Addresses, &workloadapi.NetworkAddress{Network: network, Address: ip})
		}
	}
	if o.Service == nil && len(o.Entries) > 0 {
		out.SubjectAltNames = slices.Clone(o.Entries[0].Spec.SubjectAltNames)
	}
	return out
}

// servicePorts have as target the number that the Service itself says, 0 where it says a
// name: then each workload says its own.
func servicePorts(s *model.Service, svc *corev1.Service) []*workloadapi.Port {
	out := make([]*workloadapi.Port, 0, len(s.Ports))
	for _, p := range s.Ports {
		out = append(out, &workloadapi.Port{ServicePort: p.Number, TargetPort: target(p, svc), AppProtocol: protocolOf(p.Protocol)})
	}
	return out
}

func target(port model.Port, svc *corev1.Service) uint32 {
	if svc == nil {
		return port.Number
	}
	for i := range svc.Spec.Ports {
		p := &svc.Spec.Ports[i]
		if uint32(p.Port) != port.Number || p.Name != port.Name {
			continue
		}
		if p.TargetPort.StrVal != "" {
			return 0
		}
		if p.TargetPort.IntVal > 0 {
			return uint32(p.TargetPort.IntVal)
		}
	}
	return port.Number
}

// families says which families the Service has; without a word the addresses do.
func families(svc *corev1.Service) workloadapi.IPFamilies {
	if svc == nil || len(svc.Spec.IPFamilies) == 0 {
		return workloadapi.IPFamilies_AUTOMATIC
	}
	four, six := slices.Contains(svc.Spec.IPFamilies, corev1.IPv4Protocol), slices.Contains(svc.Spec.IPFamilies, corev1.IPv6Protocol)
	switch {
	case four && six:
		return workloadapi.IPFamilies_DUAL
	case six:
		return workloadapi.IPFamilies_IPV6_ONLY
	}
	return workloadapi.IPFamilies_IPV4_ONLY
}

// visibility knows all and the own namespace. A list of other namespaces cannot be said:
// it is narrowed to the own, since nothing is shown to whom it was not exported.
func visibility(s *model.Service) workloadapi.Service_Visibility {
	if slices.Contains(s.ExportTo, "*") {
		return workloadapi.Service_PUBLIC
	}
	return workloadapi.Service_NAMESPACE
}

// loadBalancing is how the Service's own fields are said to a ztunnel
// (reference/ambient.md 6); rules never reach it. nil is any healthy endpoint.
func loadBalancing(s *model.Service, o ingest.Objects) *workloadapi.LoadBalancing {
	lb := preference(s, o)
	if o.Service != nil && o.Service.Spec.PublishNotReadyAddresses {
		if lb == nil {
			lb = &workloadapi.LoadBalancing{}
		}
		lb.HealthPolicy = workloadapi.LoadBalancing_ALLOW_ALL
	}
	return lb
}

// preference is the mode and the scopes.
func preference(s *model.Service, o ingest.Objects) *workloadapi.LoadBalancing {
	if s.Resolution == model.OriginalDestination {
		if slices.ContainsFunc(s.Ports, func(p model.Port) bool { return fenceOf(s, p.Number) != nil }) {
			return nil // nobody knows where the client goes (semantics 4.1), and it has no workloads
		}
		return &workloadapi.LoadBalancing{Mode: workloadapi.LoadBalancing_PASSTHROUGH}
	}
	if o.Service != nil && o.Service.Spec.InternalTrafficPolicy != nil && *o.Service.Spec.InternalTrafficPolicy == corev1.ServiceInternalTrafficPolicyLocal {
		return &workloadapi.LoadBalancing{
			Mode: workloadapi.LoadBalancing_STRICT, RoutingPreference: []workloadapi.LoadBalancing_Scope{workloadapi.LoadBalancing_NODE},
		}
	}
	if o.Mesh.Suspend || o.Mesh.Config != nil && o.Mesh.Config.Spec.Suspend {
		return nil // semantics 3.1
	}
	d := distribution(o)
	if d == model.NoDistribution {
		return nil
	}
	scopes := []workloadapi.LoadBalancing_Scope{workloadapi.LoadBalancing_NETWORK, workloadapi.LoadBalancing_REGION, workloadapi.LoadBalancing_ZONE}
	if d == model.PreferNode {
		scopes = append(scopes, workloadapi.LoadBalancing_SUBZONE, workloadapi.LoadBalancing_NODE)
	}
	return &workloadapi.LoadBalancing{Mode: workloadapi.LoadBalancing_FAILOVER, RoutingPreference: scopes}
}

// distribution is the field, else the annotation of the Service or entry, else that of
// the Namespace (semantics 5.4). The topology-mode annotation has no word here: its hints
// are by zone, and a ztunnel has no notion of them.
func distribution(o ingest.Objects) model.Distribution {
	var annotations map[string]string
	if o.Service != nil {
		if field := o.Service.Spec.TrafficDistribution; field != nil {
			d, _ := model.ParseDistribution(*field)
			return d
		}
		annotations = o.Service.Annotations
	} else if len(o.Entries) > 0 {
		annotations = o.Entries[0].Annotations
	}
	d, said := model.DistributionOf(annotations)
	if !said && o.Namespace != nil {
		d, _ = model.DistributionOf(o.Namespace.Annotations)
	}
	return d
}
