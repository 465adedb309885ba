package translate

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// ScopeAnnotation on a Namespace narrows what every client in it sees:
// 'NS/*,NS/NAME' (semantics 1.3).
const ScopeAnnotation = "networking.coastwise.dev/scope"

// nothing is a scope that names no service.
const nothing = "-"

// NamespaceScope is the canonical scope that a Namespace gives to the clients in
// it: "", which is all, if it is nil or has no ScopeAnnotation. An item that
// cannot be read allows nothing, and takes nothing from the others: what a user
// meant to narrow is never widened by a slip.
func NamespaceScope(ns *corev1.Namespace) string {
	if ns == nil {
		return ""
	}
	written := ns.Annotations[ScopeAnnotation]
	if scope, err := model.ParseScope(written); err == nil {
		return scope
	}
	var readable []string
	for item := range strings.SplitSeq(written, ",") {
		if one, err := model.ParseScope(item); err == nil && one != "" {
			readable = append(readable, one)
		}
	}
	if len(readable) == 0 {
		return nothing
	}
	scope, err := model.ParseScope(strings.Join(readable, ","))
	if err != nil { // each item was read alone
		return nothing
	}
	return scope
}

// Visible says whether a client may see a service (semantics 1.3): one of its
// own namespace, or one that is exported to it; and both its own scope and the
// one of its Namespace must allow it, where "" allows all. It looks at the
// client's namespace and scope only.
//
// A waypoint sees the services that are attached to its Gateway, from wherever they are,
// and those that it fronts (Fronts); fronts counts for no other client.
func Visible(s *model.Service, p model.Proxy, namespaceScope string, fronts ...model.GatewayName) bool {
	reached := exported(s, p.Namespace)
	if p.Kind == model.Waypoint {
		of := func(g model.GatewayName) bool { return p.Gateway != "" && g.String() == p.Gateway }
		reached = of(s.Waypoint) || slices.ContainsFunc(fronts, of)
	}
	return reached &&
		model.InScope(p.Scope, s.Namespace, s.Name) &&
		model.InScope(namespaceScope, s.Namespace, s.Name)
}

// exported says whether a service is for clients of a namespace; for those of
// its own it always is.
func exported(s *model.Service, namespace string) bool {
	return namespace == s.Namespace ||
		slices.Contains(s.ExportTo, "*") || slices.Contains(s.ExportTo, namespace)
}
