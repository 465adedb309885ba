package admit

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/coastwise/coastwise/api/v1alpha1"
)

const (
	isLabel     = `lower-case letters, digits and "-", at most 63, a letter or digit at both ends`
	isSubdomain = `labels of lower-case letters, digits and "-" with "." between them, at most 253 in all`
	isKey       = `[PREFIX/]NAME, where NAME is at most 63 letters, digits, "-", "_" and ".", a letter or digit at both ends`
	isValue     = `at most 63 letters, digits, "-", "_" and ".", a letter or digit at both ends`
	maxUint32   = 1<<32 - 1
)

func (r *report) dnsLabel(p path, s string) {
	if len(validation.IsDNS1123Label(s)) > 0 {
		r.invalid(p, "%q is no DNS label: %s", clip(s), isLabel)
	}
}

func (r *report) dnsName(p path, s string) {
	if len(validation.IsDNS1123Subdomain(s)) > 0 {
		r.invalid(p, "%q is no DNS name: %s", clip(s), isSubdomain)
	}
}

func (r *report) labelKey(p path, s string) {
	if len(validation.IsQualifiedName(s)) > 0 {
		r.invalid(p, "%q is no label: %s", clip(s), isKey)
	}
}

func (r *report) labelValue(p path, s string) {
	if len(validation.IsValidLabelValue(s)) > 0 {
		r.invalid(p, "%q is no label value: %s", clip(s), isValue)
	}
}

func (r *report) labels(p path, labels map[string]string) {
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		r.labelKey(p.key(k), k)
		r.labelValue(p.key(k), labels[k])
	}
}

// metadata checks what all kinds share.
func (r *report) metadata(s scope, meta metav1.Object) {
	if s.label {
		r.dnsLabel("metadata.name", meta.GetName())
	} else {
		r.dnsName("metadata.name", meta.GetName())
	}
	switch namespace := meta.GetNamespace(); {
	case namespace == "":
	case s.namespaced:
		r.dnsLabel("metadata.namespace", namespace)
	default:
		r.invalid("metadata.namespace", "a %s has no namespace; remove the field", r.object.Kind)
	}
	r.labels("metadata.labels", meta.GetLabels())
	for _, k := range slices.Sorted(maps.Keys(meta.GetAnnotations())) {
		if len(validation.IsQualifiedName(strings.ToLower(k))) > 0 {
			r.invalid(path("metadata.annotations").key(k), "%q is no annotation key: %s", clip(k), isKey)
		}
	}
}

// oneOf checks a word; "" is an absent one.
func (r *report) oneOf(p path, word string, allowed ...string) {
	if word != "" && !slices.Contains(allowed, word) {
		r.invalid(p, "%q is not allowed%s Allowed: %s", clip(word), cmp.Or(suggestion(word, allowed), "."), strings.Join(allowed, ", "))
	}
}

// suggestion is "; did you mean …?", or "" if nothing is near.
func suggestion(word string, candidates []string) string {
	if near := nearest(word, candidates); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

func (r *report) oneOfPointer(p path, word *string, allowed ...string) {
	if word == nil {
		return
	}
	if *word == "" {
		r.invalid(p, "is empty; allowed: %s", strings.Join(allowed, ", "))
	}
	r.oneOf(p, *word, allowed...)
}

// between checks a number that may be absent.
func between[N cmp.Ordered](r *report, p path, n *N, least, most N) {
	if n != nil && (*n < least || *n > most) {
		r.invalid(p, "%v is out of range: %v..%v", *n, least, most)
	}
}

func (r *report) port(p path, n int32) { between(r, p, &n, 1, 65535) }

// maxDuration is more than any duration needs.
const maxDuration = 32

// duration checks one that may be absent, against the least that is allowed.
func (r *report) duration(p path, d *v1alpha1.Duration, least time.Duration) {
	if d == nil {
		return
	}
	length, err := time.ParseDuration(string(*d))
	switch {
	case err != nil:
		r.invalid(p, "%q is no duration: write numbers with units, such as \"10s\", \"250ms\" or \"1m30s\"", clip(string(*d)))
	case length < least:
		r.invalid(p, "%q is too short: at least %s", clip(string(*d)), least)
	case length%time.Millisecond != 0:
		r.invalid(p, "%q is not in whole milliseconds", clip(string(*d)))
	default:
		r.length(p, string(*d), maxDuration)
	}
}

// unique checks that no word stands twice.
func (r *report) unique(p path, words []string) {
	for i, w := range words {
		if first := slices.Index(words, w); first < i {
			r.invalid(p.index(i), "%q stands twice; it is already entry %d", clip(w), first)
		}
	}
}

// bound is how many there may be: Istio's own kinds may have more than ours.
func (r *report) bound(ours, istio int) int {
	if r.istio {
		return istio
	}
	return ours
}

// length checks the characters of a word of ours. Istio's kinds have no such bounds.
func (r *report) length(p path, s string, most int) {
	if n := utf8.RuneCountInString(s); n > most && !r.istio {
		r.invalid(p, "%q has %d characters; at most %d", clip(s), n, most)
	}
}

// atMost says whether a list is short enough to be looked at.
func (r *report) atMost(p path, n, most int) bool {
	if n > most {
		r.invalid(p, "has %d entries; at most %d", n, most)
	}
	return n <= most
}
