package ingest

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// clusterIPs are the virtual IPs of a Service, canonical and sorted; none where it is
// headless or an alias.
func clusterIPs(svc *corev1.Service) []string {
	if svc.Spec.Type == corev1.ServiceTypeExternalName {
		return nil
	}
	written := svc.Spec.ClusterIPs
	if len(written) == 0 {
		written = []string{svc.Spec.ClusterIP}
	}
	var out []string
	for _, text := range written {
		if ip, err := netip.ParseAddr(text); err == nil && ip.Zone() == "" {
			out = append(out, ip.Unmap().String())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
