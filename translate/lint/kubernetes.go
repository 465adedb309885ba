package lint

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// localityOfSlices is D10, where the service has locality.
func localityOfSlices(m *mesh) []hit {
	ordered := map[model.Key]bool{}
	for _, s := range m.Services {
		ordered[s.Key] = slices.ContainsFunc(s.Policies, func(p model.Policy) bool { return p.Mode == model.Levels })
	}
	var out []hit
	for _, s := range m.slices {
		n := 0
		for i := range s.object.Endpoints {
			e := &s.object.Endpoints[i]
			pod := e.TargetRef != nil && e.TargetRef.Kind == "Pod"
			if !pod && (e.Zone != nil || e.NodeName != nil) {
				n++
			}
		}
		if key := model.ServiceKey(s.ref.Namespace, s.object.Labels[discoveryv1.LabelServiceName]); n > 0 && ordered[key] {
			out = append(out, hit{s.ref, "endpoints", fmt.Sprintf("%d of %d", n, len(s.object.Endpoints))})
		}
	}
	return out
}

// The annotations that ask for places (semantics 5.3, 5.4).
const (
	annotationMode       = corev1.AnnotationTopologyMode
	annotationIstioPlace = "networking.istio.io/traffic-distribution"
	annotationPlace      = "networking.coastwise.dev/traffic-distribution"
)

// hintsAreFollowed is D11.
func hintsAreFollowed(m *mesh) []hit {
	var out []hit
	for _, s := range m.services {
		if s.object.Spec.Type == corev1.ServiceTypeExternalName {
			continue // a name has no place
		}
		if d := s.object.Spec.TrafficDistribution; d != nil {
			out = append(out, hit{s.ref, "spec.trafficDistribution", *d})
		}
		if mode := s.object.Annotations[annotationMode]; strings.EqualFold(mode, "auto") {
			out = append(out, hit{s.ref, "metadata.annotations[" + annotationMode + "]", mode})
		}
	}
	return out
}

// sameNode is semantics 5.4, where the annotation counts.
func sameNode(m *mesh) []hit {
	var out []hit
	for _, s := range m.services {
		auto := strings.EqualFold(s.object.Annotations[annotationMode], "auto")
		if s.object.Spec.Type != corev1.ServiceTypeExternalName && s.object.Spec.TrafficDistribution == nil && !auto {
			out = append(out, annotated(s.ref, s.object.Annotations)...)
		}
	}
	for _, e := range m.entries {
		out = append(out, annotated(e.ref, e.object.Annotations)...)
	}
	for _, n := range m.namespaces {
		out = append(out, annotated(n.ref, n.object.Annotations)...)
	}
	return out
}

// annotated finds the one value of the annotation that is not what it is in Istio;
// of the two spellings ours counts.
func annotated(ref model.ObjectRef, annotations map[string]string) []hit {
	for _, a := range []string{annotationPlace, annotationIstioPlace} {
		switch value := annotations[a]; {
		case strings.EqualFold(value, corev1.ServiceTrafficDistributionPreferSameNode):
			return []hit{{ref, "metadata.annotations[" + a + "]", ""}}
		case value != "":
			return nil
		}
	}
	return nil
}
