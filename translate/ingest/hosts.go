package ingest

import (
	"strings"

	"github.com/coastwise/coastwise/translate/model"
)

// RuleKey is the key of the service that a rule in this namespace means by
// spec.host (semantics 3). A host without a dot is completed with the rule's
// namespace; NAME.NAMESPACE and NAME.NAMESPACE.svc are read as that Kubernetes
// Service; NAME.NAMESPACE.svc.cluster.local is its full name; any other host
// has a key without a namespace. A wildcard host means no single service: the
// key is zero and wildcard is true; HostMatches finds what it covers.
func RuleKey(namespace, host string) (key model.Key, wildcard bool) {
	host = strings.ToLower(host)
	if strings.Contains(host, "*") {
		return model.Key{}, true
	}
	name, rest, dotted := strings.Cut(host, ".")
	if !dotted {
		return model.ServiceKey(namespace, name), false
	}
	ns, domain, _ := strings.Cut(rest, ".")
	switch domain {
	case "", "svc", model.ClusterDomain:
		if name != "" && ns != "" {
			return model.ServiceKey(ns, name), false
		}
	}
	return model.Key{Host: host}, false
}

// means says whether a rule of a namespace with this host, no wildcard, can mean a
// service of that full host: by RuleKey, or as written, where an entry has
// exactly that. Which of the two it is where both are there is decided by who
// gathers the rules.
func means(namespace, host, full string) bool {
	key, wildcard := RuleKey(namespace, host)
	return !wildcard && (key.Host == full || strings.ToLower(host) == full)
}

// HostMatches says whether a host pattern covers a full host name: the same
// host, "*" for every host, or "*.SUFFIX" for every host below SUFFIX, where
// "*.NAMESPACE" and "*.NAMESPACE.svc" also stand for the Services of that
// namespace, as RuleKey reads their names. Upper and lower case are equal.
func HostMatches(pattern, host string) bool {
	pattern, host = strings.ToLower(pattern), strings.ToLower(host)
	if pattern == host || pattern == "*" {
		return true
	}
	suffix, ok := strings.CutPrefix(pattern, "*.")
	if !ok || suffix == "" {
		return false
	}
	if below(host, suffix) {
		return true
	}
	ns, domain, _ := strings.Cut(suffix, ".")
	return (domain == "" || domain == "svc") && below(host, ns+"."+model.ClusterDomain)
}

// below says whether host has at least one more label in front of suffix.
func below(host, suffix string) bool {
	rest, ok := strings.CutSuffix(host, suffix)
	return ok && len(rest) > 1 && rest[len(rest)-1] == '.'
}

// fullPattern is a pattern that covers host, in lower case and in its longest
// form: "*.NAMESPACE" and "*.NAMESPACE.svc" become the one of that namespace's
// Services, unless host is below the suffix as it is written.
func fullPattern(pattern, host string) string {
	pattern = strings.ToLower(pattern)
	suffix, ok := strings.CutPrefix(pattern, "*.")
	if !ok || below(strings.ToLower(host), suffix) {
		return pattern
	}
	ns, _, _ := strings.Cut(suffix, ".")
	return "*." + ns + "." + model.ClusterDomain
}
