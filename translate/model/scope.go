package model

import (
	"fmt"
	"slices"
	"strings"
)

// ParseScope reads a scope claim, 'NS/*,NS/NAME' (semantics 1.3), and returns
// its canonical form: sorted, without spaces and repetitions, and without a
// service whose whole namespace is named too. "" is all and stays "".
//
// An item that is neither NAMESPACE/NAME nor NAMESPACE/* is an error that
// quotes it.
func ParseScope(s string) (canonical string, err error) {
	if strings.TrimSpace(s) == "" {
		return "", nil
	}
	var items []string
	for item := range strings.SplitSeq(s, ",") {
		item = strings.TrimSpace(item)
		namespace, name, ok := strings.Cut(item, "/")
		if !ok || !scopeWord(namespace) || name != "*" && !scopeWord(name) {
			return "", fmt.Errorf("%q is not NAMESPACE/* or NAMESPACE/NAME", item)
		}
		items = append(items, item)
	}
	slices.Sort(items)
	items = slices.Compact(items)
	all := slices.Clone(items)
	items = slices.DeleteFunc(items, func(item string) bool {
		namespace, name, _ := strings.Cut(item, "/")
		_, whole := slices.BinarySearch(all, namespace+"/*")
		return name != "*" && whole
	})
	return strings.Join(items, ","), nil
}

// InScope says whether a canonical scope names the service.
func InScope(scope, namespace, name string) bool {
	if scope == "" {
		return true
	}
	for item := range strings.SplitSeq(scope, ",") {
		ns, n, _ := strings.Cut(item, "/")
		if ns == namespace && (n == "*" || n == name) {
			return true
		}
	}
	return false
}

// scopeWord says whether s can name a namespace or a Service: lower-case
// letters, digits, '-' and '.', beginning and ending with a letter or digit.
func scopeWord(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		inner := i > 0 && i < len(s)-1 && (c == '-' || c == '.')
		if !inner && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
