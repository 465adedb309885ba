package admit

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// This file is the table of what is honoured (semantics 8.3). What is not is
// told where it stands, if it differs from the default and would change
// anything; what would widen or expose if it were dropped refuses the object.

// notHonoured warns, unless the value is a mistake anyway.
func (r *report) notHonoured(p path, format string, args ...any) {
	if !r.isCovered(p) && !r.isWrong(p) {
		r.add(model.Warning, model.NotHonoured, p, format, args...)
	}
}

// ignored reports p, if it is set to something else than the default.
func (r *report) ignored(set bool, p path) {
	if set {
		r.notHonoured(p, "is not honoured yet; the object counts without it")
	}
}

func (r *report) honouredRule(spec *v1alpha1.DestinationRuleSpec) {
	const p path = "spec"
	if s := spec.WorkloadSelector; s != nil && len(s.MatchLabels) == 0 && !r.isCovered(p.child("workloadSelector")) {
		r.add(model.Info, model.NoEffect, p.child("workloadSelector", "matchLabels"),
			"is empty: it picks every client of the rule's own namespace, and no other")
	}
	if spec.TrafficPolicy != nil {
		r.honouredPolicy(p.child("trafficPolicy"), spec.TrafficPolicy)
	}
	for i, s := range spec.Subsets {
		at := p.child("subsets").index(i)
		if s.TrafficPolicy != nil {
			r.honouredPolicy(at.child("trafficPolicy"), s.TrafficPolicy)
			if s.TrafficPolicy.Tunnel != nil {
				r.add(model.Info, model.NoEffect, at.child("trafficPolicy", "tunnel"),
					"has no effect: only TCP listeners lead into a tunnel, and none names a subset")
			}
		}
	}
}

// exposed reports what refuses the object, wherever a policy stands.
func (r *report) exposed(p path, t *v1alpha1.TrafficPolicy) {
	r.honouredTLS(p.child("tls"), t.TLS)
	for i, port := range t.PortLevelSettings {
		r.honouredTLS(p.child("portLevelSettings").index(i).child("tls"), port.TLS)
	}
}

func (r *report) honouredPolicy(p path, t *v1alpha1.TrafficPolicy) {
	r.exposed(p, t)
	if l := t.LoadBalancer; l != nil {
		at := p.child("loadBalancer")
		r.ignored(l.ZoneAwareLbSetting != nil, at.child("zoneAwareLbSetting"))
		r.thresholdAlone(at.child("localityLbSetting", "failoverThreshold"), l.LocalityLbSetting)
	}
	for i, e := range t.PortLevelSettings { // their tls is checked by exposed
		at := p.child("portLevelSettings").index(i)
		r.honouredPolicy(at, &v1alpha1.TrafficPolicy{
			LoadBalancer: e.LoadBalancer, ConnectionPool: e.ConnectionPool, OutlierDetection: e.OutlierDetection,
		})
		r.replaced(at, t, i)
	}
}

// replaced tells what the entry of a port takes away by standing there: it
// replaces all four blocks, and the first entry of a port counts.
func (r *report) replaced(p path, t *v1alpha1.TrafficPolicy, i int) {
	e := t.PortLevelSettings[i]
	if e.Port == nil || r.isCovered(p) || r.isWrong(p) {
		return
	}
	for _, earlier := range t.PortLevelSettings[:i] {
		if earlier.Port != nil && earlier.Port.Number == e.Port.Number {
			r.add(model.Info, model.NoEffect, p, "has no effect, allowedRegions excepted: an earlier entry is for port %d", e.Port.Number)
			return
		}
	}
	var lost []string
	for _, block := range []struct {
		name       string
		there, set bool
	}{
		{"loadBalancer", t.LoadBalancer != nil, e.LoadBalancer != nil},
		{"connectionPool", t.ConnectionPool != nil, e.ConnectionPool != nil},
		{"outlierDetection", t.OutlierDetection != nil, e.OutlierDetection != nil},
		{"tls", t.TLS != nil, e.TLS != nil},
	} {
		if block.there && !block.set {
			lost = append(lost, block.name)
		}
	}
	if len(lost) > 0 {
		r.add(model.Info, model.NoEffect, p, "the entry replaces all settings for port %d: %s of the policy around it does not hold there (allowedRegions does)",
			e.Port.Number, strings.Join(lost, ", "))
	}
}

// thresholdAlone reports a threshold in a rule's setting that does not speak
// (semantics 3.2).
func (r *report) thresholdAlone(p path, s *v1alpha1.LocalityLbSetting) {
	if s == nil || s.FailoverThreshold == nil || s.Enabled != nil ||
		s.Failover != nil || s.Distribute != nil || s.FailoverPriority != nil || r.isWrong(p) {
		return
	}
	r.add(model.Info, model.NoEffect, p,
		"has no effect: by itself it does not switch locality on; add enabled: true")
}

func (r *report) honouredMesh(spec *v1alpha1.MeshConfigSpec) {
	const p path = "spec"
	r.ignored(spec.ZoneAwareLbSetting != nil, p.child("zoneAwareLbSetting"))
}

// The annotations that are known.
const (
	annotationDistribution      = model.DistributionAnnotation
	annotationIstioDistribution = model.IstioDistributionAnnotation
	annotationListen            = model.ListenAnnotation
	annotationScope             = v1alpha1.GroupName + "/scope"
	annotationExportTo          = v1alpha1.GroupName + "/export-to"
	annotationIstioExportTo     = "networking.istio.io/exportTo"
)

// defaultAffinity is Kubernetes' own timeout, in seconds: it is written into every Service.
const defaultAffinity = 10800

func (r *report) honouredService(s *corev1.Service) {
	const annotations path = "metadata.annotations"
	r.distributionAnnotations(s.Annotations, s.Spec.TrafficDistribution != nil && *s.Spec.TrafficDistribution != "")
	r.listenAnnotation(annotations.key(annotationListen), s)
	headless := s.Spec.ClusterIP == corev1.ClusterIPNone && s.Spec.SessionAffinity == corev1.ServiceAffinityClientIP
	if headless {
		r.add(model.Info, model.NoEffect, "spec.sessionAffinity", "has no effect: Kubernetes ignores it on a headless Service")
	}
	if c := s.Spec.SessionAffinityConfig; !headless && c != nil && c.ClientIP != nil && c.ClientIP.TimeoutSeconds != nil && *c.ClientIP.TimeoutSeconds != defaultAffinity {
		r.add(model.Info, model.NoEffect, "spec.sessionAffinityConfig.clientIP.timeoutSeconds",
			"has no effect: an address is hashed, and stays on its endpoint as long as that is there")
	}
	if s.Spec.Type == corev1.ServiceTypeExternalName && len(s.Spec.Ports) == 0 {
		r.add(model.Info, model.NoEffect, "spec.ports", "is empty: the name has no ports here, so nothing reaches it by this Service's host")
	}
}

// namespace has annotations, and nothing else that could be wrong.
func (r *report) namespace(n *corev1.Namespace) {
	r.distributionAnnotations(n.Annotations, false)
	r.scopeAnnotation(path("metadata.annotations").key(annotationScope), n.Annotations[annotationScope])
}

// scopeAnnotation refuses nothing: without its Namespace a client would see more.
// What cannot be read allows nothing (semantics 1.3).
func (r *report) scopeAnnotation(p path, written string) {
	if _, err := model.ParseScope(written); err != nil {
		r.add(model.Warning, model.Invalid, p, "%s; what cannot be read allows nothing", clip(err.Error()))
	}
}

// distributionAnnotations refuse nothing: they stand on objects of others. A
// value that is not known is no preference, and one beside the field, or beside
// our spelling, has no effect (semantics 5.4).
func (r *report) distributionAnnotations(annotations map[string]string, field bool) {
	ours := annotations[annotationDistribution] != ""
	for _, key := range []string{annotationDistribution, annotationIstioDistribution} {
		written, p := annotations[key], path("metadata.annotations").key(key)
		_, known := model.ParseDistribution(written)
		switch {
		case written == "":
		case field:
			r.add(model.Info, model.NoEffect, p, "has no effect: spec.trafficDistribution is there, and counts")
		case ours && key == annotationIstioDistribution:
			r.add(model.Info, model.NoEffect, p, "has no effect: %s is there, and counts", annotationDistribution)
		case !known:
			r.add(model.Warning, model.Invalid, p, "%q is no preference; allowed: PreferClose, PreferSameZone, PreferSameNode", clip(written))
		}
	}
}
