package ingest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// listens are the explicit listeners that a Service declares (semantics 9.3). What
// admission refuses, such as a port that it has not, is left out.
func listens(svc *corev1.Service) []model.Listen {
	items, _ := model.ParseListen(svc.Annotations[model.ListenAnnotation])
	var out []model.Listen
	for _, item := range items {
		if port, ok := portOf(svc, item.Port); ok {
			out = append(out, model.Listen{At: item.At, Port: uint32(port.Port)})
		}
	}
	slices.SortFunc(out, func(a, b model.Listen) int { return cmp.Compare(a.At, b.At) })
	return out
}

// portOf finds a served port by its name, else by its number.
func portOf(svc *corev1.Service, name string) (corev1.ServicePort, bool) {
	ports := tcpPorts(svc)
	for _, by := range []func(corev1.ServicePort) string{
		func(p corev1.ServicePort) string { return p.Name },
		func(p corev1.ServicePort) string { return strconv.FormatInt(int64(p.Port), 10) },
	} {
		for _, p := range ports {
			if by(p) == name {
				return p, true
			}
		}
	}
	return corev1.ServicePort{}, false
}

// undeclared tells of listeners whose port says no protocol (semantics 9.4), unless a
// route says it.
func undeclared(svc *corev1.Service, s *model.Service) []model.Problem {
	var out []model.Problem
	for _, l := range s.Listens {
		if port, ok := s.Port(l.Port); ok && port.HTTP() {
			continue
		}
		i := slices.IndexFunc(svc.Spec.Ports, func(p corev1.ServicePort) bool { return isTCP(p) && uint32(p.Port) == l.Port })
		if i < 0 || appProtocol(svc.Spec.Ports[i]) != model.ProtocolUndeclared {
			continue
		}
		out = append(out, model.Problem{
			Object: serviceRef(svc), Field: fmt.Sprintf("spec.ports[%d]", i),
			Severity: model.Info, Reason: model.UndeclaredProtocol,
			Message: fmt.Sprintf("neither appProtocol nor the port's name says what it speaks: the listener on port %d carries it as TCP", l.At),
		})
	}
	return out
}
