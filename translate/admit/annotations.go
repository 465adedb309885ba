package admit

import (
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

// ownPrefix is that of our annotations and labels.
const ownPrefix = v1alpha1.GroupName + "/"

// ownKeys are those of our group, sorted.
func ownKeys(all map[string]string) []string {
	var out []string
	for key := range all {
		if strings.HasPrefix(key, ownPrefix) {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

// unknownAnnotations tells of annotations of our group that a kind does not have,
// since a misspelt one would otherwise do nothing, silently. They refuse nothing:
// most stand on objects of others.
func (r *report) unknownAnnotations(kind string, annotations map[string]string) {
	if names, checked := ownAnnotations(kind); checked {
		labels, _ := ownLabels(kind)
		r.unknownKeys("annotation", annotations, names, labels, "it is read as a label, and not as an annotation")
	}
}

// unknownKeys tells of the annotations or labels of our group that are none of names: of
// those among others, which would do something as the other of the two, in its own words.
func (r *report) unknownKeys(what string, all map[string]string, names, others []string, ofOthers string) {
	for _, key := range ownKeys(all) {
		name := strings.TrimPrefix(key, ownPrefix)
		at := path("metadata." + what + "s").key(key)
		switch {
		case slices.Contains(names, name):
		case slices.Contains(others, name):
			r.add(model.Warning, model.UnknownField, at, "%s", ofOthers)
		default:
			r.unknownKey(at, what, name, names)
		}
	}
}

// unknownKey says what may have been meant by the name of an annotation or label.
func (r *report) unknownKey(at path, what, name string, names []string) {
	switch near := nearest(name, names); {
	case near != "":
		r.add(model.Warning, model.UnknownField, at, "unknown %s; did you mean %q?", what, ownPrefix+near)
	case len(names) > 0:
		r.add(model.Warning, model.UnknownField, at, "unknown %s; allowed here: %s", what, ownPrefix+strings.Join(names, ", "+ownPrefix))
	default:
		r.add(model.Warning, model.UnknownField, at, "unknown %s; none of %s is read here", what, v1alpha1.GroupName)
	}
}
