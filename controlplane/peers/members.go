package peers

import (
	"cmp"
	"net"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// nameLabel is what the Pods of one application have in common.
const nameLabel = "app.kubernetes.io/name"

// Member is another replica.
type Member struct {
	// Name is that of its Pod, Address where it answers its peers: HOST:PORT.
	Name, Address string
	// Ready says that its Pod is: before that it serves nobody.
	Ready bool
}

// Others are the other replicas among the Pods of a namespace, by name: those with
// the same app.kubernetes.io/name as the Pod self, that have an IP and may still
// have clients. All listen on the same port. None if self is not among the Pods,
// or has no such label.
func Others(pods []*corev1.Pod, self, port string) []Member {
	own := slices.IndexFunc(pods, func(p *corev1.Pod) bool { return p.Name == self })
	if own < 0 || pods[own].Labels[nameLabel] == "" {
		return nil
	}
	var out []Member
	for _, p := range pods {
		if p.Name == self || p.Labels[nameLabel] != pods[own].Labels[nameLabel] || !mayServe(p) {
			continue
		}
		out = append(out, Member{Name: p.Name, Address: net.JoinHostPort(p.Status.PodIP, port), Ready: ready(p)})
	}
	slices.SortFunc(out, func(a, b Member) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// mayServe: a Pod that ends serves on while it is ready, one that has ended never does.
func mayServe(p *corev1.Pod) bool {
	over := p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
	return p.Status.PodIP != "" && !over && (p.DeletionTimestamp == nil || ready(p))
}

func ready(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}
