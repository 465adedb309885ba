package ingest

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// SortEntries orders entries of one namespace that have the same host: the first
// counts. It is one of our kind before Istio's (semantics 3), then the older (an
// absent creationTimestamp is oldest), then the first by name.
func SortEntries(entries []*v1alpha1.ServiceEntry) {
	slices.SortFunc(entries, func(a, b *v1alpha1.ServiceEntry) int {
		return cmp.Or(compareBool(v1alpha1.IsIstio(a.APIVersion), v1alpha1.IsIstio(b.APIVersion)), a.CreationTimestamp.Compare(b.CreationTimestamp.Time), strings.Compare(a.Name, b.Name))
	})
}

// WorkloadLabels are the labels of a workload: those of its spec, and over them
// those of its metadata, as in Istio.
func WorkloadLabels(w *v1alpha1.WorkloadEntry) map[string]string {
	if len(w.Labels) == 0 {
		return w.Spec.Labels
	}
	out := maps.Clone(w.Spec.Labels)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, w.Labels)
	return out
}

// rivals tells the entries that lose their host to a Kubernetes Service, or to an
// older entry of their namespace (semantics 3).
func (o Objects) rivals() []model.Problem {
	owner := o.Owner
	if o.Service != nil {
		owner = serviceRef(o.Service)
	}
	var out []model.Problem
	for i, e := range o.Entries {
		p := model.Problem{
			Object: entryRef(e), Field: hostField(e, o.Key.Host), Severity: model.Warning, Reason: model.Conflicted,
		}
		switch {
		case owner != model.ObjectRef{}:
			p.Message = fmt.Sprintf("%s is the host of %s, which wins; this host of the entry is not served", o.Key.Host, owner)
		case i > 0 && v1alpha1.IsIstio(e.APIVersion) != v1alpha1.IsIstio(o.Entries[0].APIVersion):
			p.Message = fmt.Sprintf("%s has the host %s too and is of %s: it is served, not this one", entryRef(o.Entries[0]), o.Key.Host, v1alpha1.APIVersion)
		case i > 0:
			p.Message = fmt.Sprintf("%s has the host %s too and is older or first by name: it is served, not this one", entryRef(o.Entries[0]), o.Key.Host)
		default:
			continue
		}
		out = append(out, p)
	}
	return out
}

func entryRef(e *v1alpha1.ServiceEntry) model.ObjectRef {
	return model.ObjectRef{Kind: v1alpha1.KindOf(e.APIVersion, v1alpha1.KindServiceEntry), Namespace: e.Namespace, Name: e.Name}
}

func hostField(e *v1alpha1.ServiceEntry, host string) string {
	return fmt.Sprintf("spec.hosts[%d]", slices.Index(e.Spec.Hosts, host))
}

// ofEntry is what a ServiceEntry declares for one of its hosts
// (reference/destination-rule.md 2.9).
func ofEntry(o Objects) (*model.Service, found) {
	e := o.Entries[0]
	s := &model.Service{
		Key: o.Key, Object: entryRef(e), HostField: hostField(e, o.Key.Host), Name: e.Name,
		ExportTo: entryExportTo(e), Resolution: resolution(e), Addresses: virtualIPs(e), VIPs: virtualIPs(e), Blocks: blocksOf(e),
	}
	if !e.CreationTimestamp.IsZero() {
		s.Created = e.CreationTimestamp.Unix()
	}
	b := entryReader{Objects: o, entry: e, gap: gap{
		object: s.Object, field: "spec.endpoints", why: "neither their locality nor a Node says one",
	}}
	if e.Spec.WorkloadSelector != nil {
		b.gap.field = "spec.workloadSelector"
	}
	s.EndpointsField = b.gap.field
	for _, port := range b.ports() {
		s.Ports = append(s.Ports, model.Port{
			Name: port.Name, Number: uint32(port.Number), Protocol: entryProtocol(port),
		})
	}
	b.read(s)
	return s, found{speech: annotated(e.Annotations, o.Namespace), problems: b.problems, gaps: b.gaps()}
}

// ports are the entry's, by number.
func (b *entryReader) ports() []v1alpha1.ServicePort {
	return slices.SortedFunc(slices.Values(b.entry.Spec.Ports), func(a, b v1alpha1.ServicePort) int {
		return cmp.Compare(a.Number, b.Number)
	})
}

func resolution(e *v1alpha1.ServiceEntry) model.Resolution {
	switch e.Spec.Resolution {
	case "STATIC":
		return model.Static
	case "DNS":
		return model.DNS
	case "DNS_ROUND_ROBIN":
		return model.DNSRoundRobin
	}
	return model.OriginalDestination
}

func entryExportTo(e *v1alpha1.ServiceEntry) []string {
	if len(e.Spec.ExportTo) == 0 {
		return []string{"*"}
	}
	return slices.Compact(slices.Sorted(slices.Values(e.Spec.ExportTo)))
}

// virtualIPs are the single addresses, canonical and sorted.
func virtualIPs(e *v1alpha1.ServiceEntry) []string {
	var out []string
	for _, s := range e.Spec.Addresses {
		if block, err := netip.ParsePrefix(s); err == nil && block.IsSingleIP() {
			out = append(out, block.Addr().String())
		}
		if ip, err := netip.ParseAddr(s); err == nil {
			out = append(out, ip.String())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// blocksOf are the others, masked and sorted.
func blocksOf(e *v1alpha1.ServiceEntry) []string {
	var out []string
	for _, s := range e.Spec.Addresses {
		if block, err := netip.ParsePrefix(s); err == nil && !block.IsSingleIP() {
			out = append(out, block.Masked().String())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// entryProtocol is the port's word, else its name's prefix (semantics 9.4).
func entryProtocol(p v1alpha1.ServicePort) model.AppProtocol {
	return appProtocol(corev1.ServicePort{Name: p.Name, AppProtocol: &p.Protocol})
}

// externalName gives a Service of this type its one endpoint behind each port: the
// name, at the port that clients ask for. What a DNS alias leads to is in no known
// region.
func externalName(s *model.Service, svc *corev1.Service) found {
	s.Resolution = model.DNS
	name := strings.TrimSuffix(strings.ToLower(svc.Spec.ExternalName), ".")
	for _, port := range tcpPorts(svc) {
		s.Ports = append(s.Ports, model.Port{
			Name: port.Name, Number: uint32(port.Port), Protocol: appProtocol(port),
			Endpoints: []model.Endpoint{{Address: name, Port: uint32(port.Port), Weight: 1}},
		})
	}
	return found{problems: unplaced(s.Object, svc), gaps: []gap{{
		object: s.Object, field: "spec.externalName", why: "a DNS name is in no region", unfenced: 1, first: name,
	}}}
}

// unplaced are the fields that choose among endpoints by their place, beside a name.
func unplaced(object model.ObjectRef, svc *corev1.Service) []model.Problem {
	var out []model.Problem
	tell := func(field string) {
		out = append(out, model.Problem{
			Object: object, Field: field, Severity: model.Info, Reason: model.NoEffect,
			Message: "has no effect with type ExternalName: the name is one endpoint, and nobody knows where it is",
		})
	}
	if p := svc.Spec.InternalTrafficPolicy; p != nil && *p == corev1.ServiceInternalTrafficPolicyLocal {
		tell("spec.internalTrafficPolicy")
	}
	if svc.Spec.TrafficDistribution != nil {
		tell("spec.trafficDistribution")
	}
	return out
}
