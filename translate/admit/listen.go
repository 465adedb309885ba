package admit

import (
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// listenAnnotation checks the listeners that a Service declares (semantics 9.3):
// each for one of its TCP ports, by name or number.
func (r *report) listenAnnotation(p path, s *corev1.Service) {
	items, err := model.ParseListen(s.Annotations[annotationListen])
	if err != nil {
		r.invalid(p, "%s", clip(err.Error()))
	}
	for _, item := range items {
		named := func(port corev1.ServicePort) bool {
			return item.Port == port.Name || item.Port == strconv.FormatInt(int64(port.Port), 10)
		}
		tcp := func(port corev1.ServicePort) bool {
			return named(port) && (port.Protocol == "" || port.Protocol == corev1.ProtocolTCP)
		}
		switch {
		case slices.ContainsFunc(s.Spec.Ports, tcp):
		case slices.ContainsFunc(s.Spec.Ports, named):
			r.invalid(p, "port %q is not TCP; listeners are for TCP ports", clip(item.Port))
		default:
			r.invalid(p, "%q is no port of this Service; it has %s", clip(item.Port), portNames(s.Spec.Ports))
		}
	}
}

// portNames are those that may be written, "no ports" if there are none.
func portNames(ports []corev1.ServicePort) string {
	var out []string
	for _, port := range ports {
		number := strconv.FormatInt(int64(port.Port), 10)
		if port.Name == "" {
			out = append(out, number)
			continue
		}
		out = append(out, port.Name+" ("+number+")")
	}
	if len(out) == 0 {
		return "no ports"
	}
	return clip(strings.Join(out, ", "))
}
