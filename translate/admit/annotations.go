package admit

import (
	"maps"
	"slices"
	"strings"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// ownAnnotations are what each kind that is named here has below our group.
func ownAnnotations(kind string) (names []string, checked bool) {
	switch kind {
	case "Service":
		return []string{"export-to", "listen", "traffic-distribution"}, true
	case "Namespace":
		return []string{"scope", "traffic-distribution"}, true
	case v1alpha1.KindServiceEntry:
		return []string{"traffic-distribution"}, true
	case v1alpha1.KindDestinationRule, v1alpha1.KindMeshConfig, v1alpha1.KindWorkloadEntry:
		return nil, true
	}
	return nil, false
}

// unknownAnnotations tells of annotations of our group that a kind does not have,
// since a misspelt one would otherwise do nothing, silently. They refuse nothing:
// most stand on objects of others.
func (r *report) unknownAnnotations(kind string, annotations map[string]string) {
	const prefix = v1alpha1.GroupName + "/"
	names, checked := ownAnnotations(strings.TrimSuffix(kind, "."+v1alpha1.IstioGroup))
	if !checked {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		name, ours := strings.CutPrefix(key, prefix)
		if !ours || slices.Contains(names, name) {
			continue
		}
		at := path("metadata.annotations").key(key)
		switch near := nearest(name, names); {
		case near != "":
			r.add(model.Warning, model.UnknownField, at, "unknown annotation; did you mean %q?", prefix+near)
		case len(names) > 0:
			r.add(model.Warning, model.UnknownField, at, "unknown annotation; allowed here: %s", prefix+strings.Join(names, ", "+prefix))
		default:
			r.add(model.Warning, model.UnknownField, at, "unknown annotation; none of %s is read here", v1alpha1.GroupName)
		}
	}
}
