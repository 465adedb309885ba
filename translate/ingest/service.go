package ingest

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// The annotations and labels of a Service that decide whether and to whom it is
// served.
const (
	annotationExportTo      = "networking.coastwise.dev/export-to"
	annotationExportToIstio = "networking.istio.io/exportTo"
	labelProxyName          = "service.kubernetes.io/service-proxy-name"
	ownProxyName            = "coastwise"
)

// Service says in mesh words all that is known about one service: a Kubernetes
// Service, or a host of a ServiceEntry. It is nil where nothing declares the
// service, where a Service that another proxy claims by label does
// (reference/kubernetes.md 11), and where an entry has the host of a Service. The
// problems are those that hold for every client, sorted; what depends on the
// client comes with an assignment.
func Service(o Objects) (*model.Service, []model.Problem) {
	if o.Nodes == nil {
		o.Nodes = &Nodes{}
	}
	if o.Service != nil {
		o.Key = model.ServiceKey(o.Service.Namespace, o.Service.Name)
	}
	rules := sortRules(o)
	problems := append(rules.problems(o), o.rivals()...)
	var s *model.Service
	var f found
	switch {
	case served(o.Service):
		s, f = ofService(o)
	case o.Service == nil && o.Owner == model.ObjectRef{} && len(o.Entries) > 0:
		s, f = ofEntry(o)
	default:
		return nil, model.SortProblems(problems)
	}
	r := newResolver(o, rules, f.speech)
	r.fill(s)
	s.Places = places(s)
	waypoint, unattached := attach(o)
	s.Waypoint = waypoint
	problems = append(problems, unattached...)
	problems = append(problems, f.problems...)
	problems = append(problems, noRegion(f.gaps, s.Policies)...)
	problems = append(problems, r.problems(s)...)
	return s, model.SortProblems(problems)
}

// found is what a service's own objects say beside the service.
type found struct {
	speech   speech
	problems []model.Problem
	gaps     []gap
}

// ofService is what a Kubernetes Service declares.
func ofService(o Objects) (*model.Service, found) {
	s := describe(o)
	s.Listens = listens(o.Service)
	problems := undeclared(o.Service, s.Listens)
	if o.Service.Spec.Type == corev1.ServiceTypeExternalName {
		f := externalName(s, o.Service)
		f.problems = append(f.problems, problems...)
		return s, f
	}
	j := join(o)
	sp := j.speech(o)
	for _, port := range tcpPorts(o.Service) {
		s.Ports = append(s.Ports, model.Port{
			Name: port.Name, Number: uint32(port.Port), Protocol: appProtocol(port), Endpoints: j.endpoints(port),
		})
	}
	problems = append(problems, j.problems...)
	return s, found{speech: sp, problems: append(problems, j.unmatched(o.Service)...), gaps: j.gaps}
}

func served(svc *corev1.Service) bool {
	if svc == nil {
		return false
	}
	proxy, claimed := svc.Labels[labelProxyName]
	return !claimed || proxy == ownProxyName
}

// describe is all that the Service says of itself alone.
func describe(o Objects) *model.Service {
	svc := o.Service
	s := &model.Service{
		Key:      o.Key,
		Object:   serviceRef(svc),
		Name:     svc.Name,
		ExportTo: exportTo(svc),
		VIPs:     clusterIPs(svc),
	}
	if !svc.CreationTimestamp.IsZero() {
		s.Created = svc.CreationTimestamp.Unix()
	}
	return s
}

func serviceRef(svc *corev1.Service) model.ObjectRef {
	return model.ObjectRef{Kind: "Service", Namespace: svc.Namespace, Name: svc.Name}
}

// exportTo is semantics 1.3: namespaces, "." and "*", sorted; default "*".
func exportTo(svc *corev1.Service) []string {
	value, ok := svc.Annotations[annotationExportTo]
	if !ok {
		value = svc.Annotations[annotationExportToIstio]
	}
	var out []string
	for part := range strings.SplitSeq(value, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	if len(out) == 0 {
		return []string{"*"}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// tcpPorts are the ports that are served, by number; of one number the first by name.
func tcpPorts(svc *corev1.Service) []corev1.ServicePort {
	var out []corev1.ServicePort
	for _, p := range svc.Spec.Ports {
		if isTCP(p) && p.Port > 0 && p.Port <= 65535 {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b corev1.ServicePort) int {
		return cmp.Or(cmp.Compare(a.Port, b.Port), strings.Compare(a.Name, b.Name))
	})
	return slices.CompactFunc(out, func(a, b corev1.ServicePort) bool { return a.Port == b.Port })
}

// noRegion is one problem for each object with endpoints whose region is unknown.
func noRegion(gaps []gap, policies []model.Policy) []model.Problem {
	fenced := slices.ContainsFunc(policies, func(p model.Policy) bool { return p.Allowed != nil })
	var out []model.Problem
	for i := range gaps {
		if p, ok := gaps[i].problem(fenced); ok {
			out = append(out, p)
		}
	}
	return out
}

// places is what a View keeps as it is: every name that an endpoint, hint or
// policy of the service could be compared with.
func places(s *model.Service) model.Places {
	pl := model.Places{
		Regions: map[string]bool{}, Zones: map[string]bool{}, SubZones: map[string]bool{},
		Nodes: map[string]bool{}, HintedNodes: map[string]bool{}, Networks: map[string]bool{},
		Labels: compared(s.Policies),
	}
	add := func(set map[string]bool, name string) {
		if name != "" && !set[name] {
			set[name] = true
		}
	}
	var last model.Locality
	for _, port := range s.Ports {
		for i := range port.Endpoints {
			e := &port.Endpoints[i]
			if e.Locality != last {
				last = e.Locality
				add(pl.Regions, last.Region)
				add(pl.Zones, last.Zone)
				add(pl.SubZones, last.SubZone)
			}
			add(pl.Nodes, e.Node)
			add(pl.Networks, e.Network)
			for key, values := range pl.Labels {
				add(values, e.Labels[key])
			}
			for _, zone := range e.ZoneHints {
				add(pl.Zones, zone)
			}
			for _, node := range e.NodeHints {
				add(pl.HintedNodes, node)
			}
		}
	}
	for _, p := range s.Policies {
		for from, to := range p.Failover {
			add(pl.Regions, from)
			add(pl.Regions, to)
		}
		for _, d := range p.Distribute {
			add(pl.Regions, d.From.Region)
			add(pl.Zones, d.From.Zone)
			add(pl.SubZones, d.From.SubZone)
		}
	}
	return pl
}
