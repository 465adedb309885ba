package ingest

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// The fields of a Service that ask for hints.
const (
	fieldAnnotations  = "metadata.annotations"
	fieldDistribution = "spec.trafficDistribution"
)

// speech is what the Service itself says about localities (semantics 3.3, 5);
// mode "" means that it does not speak.
type speech struct {
	mode    model.Mode
	setting string // for Policy.Setting
	field   string // for Policy.HintField
	// tiers are those of the annotation; mode is then Levels.
	tiers []model.PriorityLabel
	// dropped says that hints were asked for and there are none, safeguard why.
	dropped   string
	safeguard model.Safeguard
}

// speech reads what the Service says, and writes the hints of trafficDistribution
// into the endpoints where no controller does (semantics 5.2).
func (j *joined) speech(o Objects) speech {
	auto, wish := AsksAuto(o.Service), distribution(o.Service)
	sp := speech{field: fieldDistribution}
	if auto {
		sp.field = fieldAnnotations
	}
	switch {
	case anyHint(j.slices):
		sp.mode, sp.setting = model.Hints, "hints"
	case auto:
		sp.mode, sp.setting = model.Flat, "topology-mode"
		sp.dropped, sp.safeguard = j.autoRefusal(o.Nodes)
	case !fieldSays(o.Service):
		sp = annotated(o.Service.Annotations, o.Namespace)
		if sp.mode == "" || anyHint(o.Slices) {
			return speech{field: fieldDistribution}
		}
	case wish == "":
		return sp
	case managed(o.Slices) || anyHint(o.Slices):
		sp.mode, sp.setting = model.Flat, fieldDistribution
		sp.dropped = "trafficDistribution: " + wish + ", but the controller of the slices wrote no hint: one flat pool"
		sp.safeguard = model.NoHints
	default:
		j.distribute(wish)
		sp.mode, sp.setting = model.Hints, fieldDistribution
	}
	if local(o.Service) { // hints play no part (semantics 4.2)
		sp.mode, sp.dropped = model.Flat, ""
	}
	if !j.anyReady() { // nothing to be hinted
		sp.dropped = ""
	}
	return sp
}

// annotated is what the traffic-distribution annotation says: the object's own,
// else its Namespace's, which may be nil (semantics 5.4). It is the whole speech
// of an object without a field and without hints; of others those come first.
func annotated(annotations map[string]string, namespace *corev1.Namespace) speech {
	sp := speech{field: fieldAnnotations}
	wish, said := model.DistributionOf(annotations)
	if !said && namespace != nil {
		wish, _ = model.DistributionOf(namespace.Annotations)
	}
	if sp.tiers = wish.Tiers(); sp.tiers != nil {
		sp.mode, sp.setting = model.Levels, model.AnnotationSetting
	}
	return sp
}

// fieldSays says that spec.trafficDistribution is there.
func fieldSays(svc *corev1.Service) bool {
	return svc.Spec.TrafficDistribution != nil && *svc.Spec.TrafficDistribution != ""
}

// distribute hints every ready endpoint as the EndpointSlice controller would
// (reference/kubernetes.md 6.1), from the zones of semantics 2.1.
func (j *joined) distribute(wish string) {
	for _, c := range j.order {
		if c.State != model.Ready {
			continue
		}
		if c.Locality.Zone != "" {
			c.ZoneHints = []string{c.Locality.Zone}
		}
		if wish == corev1.ServiceTrafficDistributionPreferSameNode && c.Node != "" {
			c.NodeHints = []string{c.Node}
		}
	}
}

func (j *joined) anyReady() bool {
	for _, c := range j.order {
		if c.State == model.Ready {
			return true
		}
	}
	return false
}

// AsksAuto says that a Service has topology-mode: Auto; the older annotation wins.
func AsksAuto(svc *corev1.Service) bool {
	value, ok := svc.Annotations[corev1.DeprecatedAnnotationTopologyAwareHints]
	if !ok {
		value = svc.Annotations[corev1.AnnotationTopologyMode]
	}
	return value == "Auto" || value == "auto"
}

// distribution is spec.trafficDistribution, "" where it says nothing that
// Kubernetes knows.
func distribution(svc *corev1.Service) string {
	if svc.Spec.TrafficDistribution == nil {
		return ""
	}
	switch v := *svc.Spec.TrafficDistribution; v {
	case corev1.ServiceTrafficDistributionPreferClose,
		corev1.ServiceTrafficDistributionPreferSameZone,
		corev1.ServiceTrafficDistributionPreferSameNode:
		return v
	}
	return ""
}

func local(svc *corev1.Service) bool {
	return svc.Spec.InternalTrafficPolicy != nil &&
		*svc.Spec.InternalTrafficPolicy == corev1.ServiceInternalTrafficPolicyLocal
}

// managed says whether a controller writes any of the slices.
func managed(all []*discoveryv1.EndpointSlice) bool {
	for _, s := range all {
		if _, ok := s.Labels[discoveryv1.LabelManagedBy]; ok {
			return true
		}
	}
	return false
}

func anyHint(all []*discoveryv1.EndpointSlice) bool {
	for _, s := range all {
		for i := range s.Endpoints {
			if h := s.Endpoints[i].Hints; h != nil && (len(h.ForZones) > 0 || len(h.ForNodes) > 0) {
				return true
			}
		}
	}
	return false
}
