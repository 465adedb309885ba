package admit

import (
	"net/netip"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/coastwise/coastwise/api/v1alpha1"
)

// rule checks a DestinationRule: reference/destination-rule.md 2.1 to 2.8, then
// what is honoured of it.
func (r *report) rule(rule *v1alpha1.DestinationRule) {
	spec := &rule.Spec
	r.host("spec.host", spec.Host)
	if spec.TrafficPolicy != nil {
		r.policy("spec.trafficPolicy", spec.TrafficPolicy)
	}
	r.subsets("spec.subsets", spec.Subsets)
	r.exportTo("spec.exportTo", spec.ExportTo)
	if s := spec.WorkloadSelector; s != nil {
		r.selector("spec", spec, r.object.Namespace)
	}
	r.honouredRule(spec)
}

func (r *report) host(p path, host string) {
	rest := strings.TrimPrefix(host, "*.")
	switch {
	case host == "":
		r.invalid(p, "is missing; write a service, such as reviews or reviews.default.svc.cluster.local")
	case host == "*":
	case strings.Contains(rest, "*"):
		r.invalid(p, "%q is no host: \"*\" may only be the whole first label, as in *.default.svc.cluster.local", clip(host))
	case len(validation.IsDNS1123Subdomain(rest)) > 0:
		r.invalid(p, "%q is no host: %s", clip(host), isSubdomain)
	}
}

// What one rule may have: every subset is a cluster of each port, and every
// namespace is judged by itself. Istio's kinds may have more: the CRDs of ours
// hold their rules to a budget, which is what these bounds are for.
const (
	maxSubsets           = 64
	maxIstioSubsets      = 256
	maxExportTo          = 1024
	maxPortSettings      = 16
	maxIstioPortSettings = 4096
)

func (r *report) subsets(p path, subsets []v1alpha1.Subset) {
	if !r.atMost(p, len(subsets), r.bound(maxSubsets, maxIstioSubsets)) {
		return
	}
	seen := map[string]bool{}
	for i, s := range subsets {
		at := p.index(i)
		r.dnsLabel(at.child("name"), s.Name)
		if seen[s.Name] {
			r.invalid(at.child("name"), "%q names an earlier subset of this rule", clip(s.Name))
		}
		seen[s.Name] = true
		r.labels(at.child("labels"), s.Labels)
		if s.TrafficPolicy != nil {
			r.policy(at.child("trafficPolicy"), s.TrafficPolicy)
		}
	}
}

func (r *report) exportTo(p path, namespaces []string) {
	if !r.atMost(p, len(namespaces), maxExportTo) {
		return
	}
	r.unique(p, namespaces)
	for i, n := range namespaces {
		switch n {
		case ".":
		case "*":
			if len(namespaces) > 1 {
				r.invalid(p.index(i), "\"*\" stands alone; remove it or all others")
			}
		case "~": // Istio's word for nobody
			r.invalid(p.index(i), "\"~\" hides from the own namespace too, which is not possible here; write \".\" or remove the object")
		default:
			r.dnsLabel(p.index(i), n)
		}
	}
}

// selector checks workloadSelector, which acts in the rule's own namespace only.
func (r *report) selector(p path, spec *v1alpha1.DestinationRuleSpec, own string) {
	at := p.child("workloadSelector", "matchLabels")
	r.labels(at, spec.WorkloadSelector.MatchLabels)
	for i, n := range spec.ExportTo {
		if n != "." && n != own {
			r.invalid(p.child("exportTo").index(i),
				"with workloadSelector a rule acts in its own namespace only; write \".\" or remove exportTo")
		}
	}
}

func (r *report) policy(p path, t *v1alpha1.TrafficPolicy) {
	r.blocks(p, t.LoadBalancer, t.ConnectionPool, t.OutlierDetection, t.TLS)
	if !hasBlock(t) {
		r.invalid(p, "is empty; write at least one field or remove it")
	}
	if r.atMost(p.child("portLevelSettings"), len(t.PortLevelSettings), r.bound(maxPortSettings, maxIstioPortSettings)) {
		for i := range t.PortLevelSettings {
			r.portPolicy(p.child("portLevelSettings").index(i), &t.PortLevelSettings[i])
		}
	}
	r.tunnel(p.child("tunnel"), t.Tunnel)
	if t.ProxyProtocol != nil {
		r.oneOf(p.child("proxyProtocol", "version"), t.ProxyProtocol.Version, "V1", "V2")
		if t.Tunnel != nil {
			r.invalid(p.child("proxyProtocol"), "not together with tunnel; keep one of them")
		}
	}
	if b := t.RetryBudget; b != nil {
		at := p.child("retryBudget")
		between(r, at.child("percent"), b.Percent, 0, 100)
		between(r, at.child("minRetryConcurrency"), b.MinRetryConcurrency, 0, maxUint32)
		r.duration(at.child("budgetInterval"), b.BudgetInterval, 0)
	}
}

func hasBlock(t *v1alpha1.TrafficPolicy) bool {
	return t.LoadBalancer != nil || t.ConnectionPool != nil || t.OutlierDetection != nil || t.TLS != nil ||
		len(t.PortLevelSettings) > 0 || t.Tunnel != nil || t.ProxyProtocol != nil || t.RetryBudget != nil
}

func (r *report) portPolicy(p path, t *v1alpha1.PortTrafficPolicy) {
	if t.Port == nil {
		r.invalid(p.child("port"), "is missing; write port: {number: 80}")
	} else {
		r.port(p.child("port", "number"), t.Port.Number)
	}
	if t.LoadBalancer == nil && t.ConnectionPool == nil && t.OutlierDetection == nil && t.TLS == nil {
		r.invalid(p, "has no settings; write at least one of loadBalancer, connectionPool, outlierDetection, tls")
	}
	r.blocks(p, t.LoadBalancer, t.ConnectionPool, t.OutlierDetection, t.TLS)
}

// blocks checks the four that a port may replace.
func (r *report) blocks(p path, lb *v1alpha1.LoadBalancer, pool *v1alpha1.ConnectionPool,
	outliers *v1alpha1.OutlierDetection, tls *v1alpha1.TLS,
) {
	if lb != nil {
		r.loadBalancer(p.child("loadBalancer"), lb)
	}
	if pool != nil {
		r.pool(p.child("connectionPool"), pool)
	}
	if outliers != nil {
		r.outliers(p.child("outlierDetection"), outliers)
	}
	if tls != nil {
		r.tls(p.child("tls"), tls)
	}
}

func (r *report) tunnel(p path, t *v1alpha1.Tunnel) {
	if t == nil {
		return
	}
	r.oneOf(p.child("protocol"), t.Protocol, "CONNECT", "POST")
	ip, err := netip.ParseAddr(t.TargetHost)
	switch at := p.child("targetHost"); {
	case t.TargetHost == "":
		r.invalid(at, "is missing; write a full host name or an IP")
	case err == nil && ip.Zone() != "": // a zone means something on one machine only, and "%" starts a format
		r.invalid(at, "%q has a zone; write the IP without it", clip(t.TargetHost))
	case err == nil && ip.Is4In6():
		r.invalid(at, "%q is an IPv4 address in IPv6 form; write it as IPv4", clip(t.TargetHost))
	case err != nil && len(validation.IsDNS1123Subdomain(t.TargetHost)) > 0:
		r.invalid(at, "%q is no host: write a full host name or an IP", clip(t.TargetHost))
	}
	r.port(p.child("targetPort"), t.TargetPort)
}

// mesh checks a MeshConfig, then what is honoured of it.
func (r *report) mesh(mesh *v1alpha1.MeshConfig) {
	if mesh.Name != v1alpha1.MeshConfigName {
		r.invalid("metadata.name", "%q is not allowed: the only MeshConfig is named %q", clip(mesh.Name), v1alpha1.MeshConfigName)
	}
	const p path = "spec"
	spec := &mesh.Spec
	if spec.RootNamespace != "" {
		r.dnsLabel(p.child("rootNamespace"), spec.RootNamespace)
	}
	if spec.LocalityLbSetting != nil {
		r.locality(p.child("localityLbSetting"), spec.LocalityLbSetting)
	}
	if spec.ZoneAwareLbSetting != nil {
		r.zoneAware(p.child("zoneAwareLbSetting"), spec.ZoneAwareLbSetting)
	}
	if d := spec.DefaultTrafficPolicy; d != nil {
		r.blocks(p.child("defaultTrafficPolicy"), nil, d.ConnectionPool, d.OutlierDetection, nil)
	}
	r.duration(p.child("connectTimeout"), spec.ConnectTimeout, time.Millisecond)
	r.keepalive(p.child("tcpKeepalive"), spec.TCPKeepalive)
	r.oneOf(p.child("h2UpgradePolicy"), spec.H2UpgradePolicy, "DO_NOT_UPGRADE", "UPGRADE")
	r.duration(p.child("dnsRefreshRate"), spec.DNSRefreshRate, 2*time.Millisecond) // Envoy takes no 1ms
	if o := spec.OutboundTrafficPolicy; o != nil {
		r.oneOf(p.child("outboundTrafficPolicy", "mode"), o.Mode, "ALLOW_ANY", "REGISTRY_ONLY")
	}
	r.honouredMesh(spec)
}
