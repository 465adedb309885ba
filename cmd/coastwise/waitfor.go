package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/controlplane/status"
)

// waitKind is a kind that can be waited for, with the names that kubectl takes for it.
type waitKind struct {
	name, resource, singular, short string
	cluster                         bool // it has no namespace
}

func waitKinds() []waitKind {
	return []waitKind{
		{v1alpha1.KindDestinationRule, "destinationrules", "destinationrule", "dr", false},
		{v1alpha1.KindServiceEntry, "serviceentries", "serviceentry", "se", false},
		{v1alpha1.KindWorkloadEntry, "workloadentries", "workloadentry", "we", false},
		{v1alpha1.KindMeshConfig, "meshconfigs", "meshconfig", "mc", true},
	}
}

// target is what is waited for: a condition of an object.
type target struct {
	kind      waitKind
	name      string
	condition string
}

// parseTarget reads KIND/NAME, the kind by any name that kubectl takes.
func parseTarget(s string) (target, error) {
	word, name, ok := strings.Cut(s, "/")
	if !ok || name == "" || strings.Contains(name, "/") {
		return target{}, fmt.Errorf("%q: want KIND/NAME, such as dr/reviews", s)
	}
	word = strings.ToLower(word)
	for _, k := range waitKinds() {
		if slices.Contains([]string{k.singular, k.resource, k.short, k.resource + "." + v1alpha1.GroupName, k.singular + "." + v1alpha1.GroupName}, word) {
			return target{kind: k, name: name}, nil
		}
	}
	var known []string
	for _, k := range waitKinds() {
		known = append(known, fmt.Sprintf("%s (%s)", k.name, k.short))
	}
	return target{}, fmt.Errorf("%q: no such kind; there is %s", s, strings.Join(known, ", "))
}

// conditionWords are what --for takes.
func conditionWords() map[string]string {
	return map[string]string{"accepted": status.Accepted, "resolvedrefs": status.ResolvedRefs, "programmed": status.Programmed}
}

// parseCondition reads --for, in capitals or not.
func (t *target) parseCondition(s string) error {
	words := conditionWords()
	condition, ok := words[strings.ToLower(s)]
	if !ok {
		return fmt.Errorf("--for: %q: want %s", s, strings.Join(slices.Sorted(maps.Keys(words)), ", "))
	}
	if has := status.Conditions(t.kind.name); t.kind.name != "" && !slices.Contains(has, condition) {
		return fmt.Errorf("--for: %q: a %s has no such condition, but %s", s, t.kind.name, strings.ToLower(strings.Join(has, ", ")))
	}
	t.condition = condition
	return nil
}

// String is the object as kubectl prints it.
func (t target) String() string { return t.kind.singular + "." + v1alpha1.GroupName + "/" + t.name }

// verdict is what an object says of itself.
type verdict struct {
	done  bool
	said  string // the condition and, if it cannot become True, why
	brief string // the same without words that change all the time
}

// judge reads the status of an object; only what was said of its present generation
// counts.
func (t target) judge(object *unstructured.Unstructured) (verdict, error) {
	var known struct {
		Status v1alpha1.Status `json:"status"`
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &known); err != nil {
		return verdict{}, fmt.Errorf("%s: its status cannot be read: %w", t, err)
	}
	var wanted, accepted *metav1.Condition
	for i, c := range known.Status.Conditions {
		if c.ObservedGeneration != object.GetGeneration() {
			continue
		}
		switch c.Type {
		case t.condition:
			wanted = &known.Status.Conditions[i]
		case status.Accepted:
			accepted = &known.Status.Conditions[i]
		}
	}
	if wanted == nil {
		none := fmt.Sprintf("nothing is said of generation %d yet (is `coastwise serve` running in this cluster, and does a replica lead?)", object.GetGeneration())
		return verdict{said: none, brief: none}, nil
	}
	v := verdict{done: wanted.Status == metav1.ConditionTrue, said: tell(wanted), brief: brief(wanted)}
	if accepted != nil && accepted.Status == metav1.ConditionFalse {
		v.said, v.brief = tell(accepted)+"\n"+v.said, brief(accepted)+v.brief
	}
	return v, nil
}

func brief(c *metav1.Condition) string {
	return fmt.Sprintf("%s is %s (%s)", c.Type, c.Status, c.Reason)
}

func tell(c *metav1.Condition) string {
	return brief(c) + ": " + cmp.Or(strings.ReplaceAll(c.Message, "\n", "\n  "), "-")
}

// completeTarget offers KIND/, and behind it nothing.
func completeTarget(_ *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 || strings.Contains(typed, "/") {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, k := range waitKinds() {
		names = append(names, k.singular+"/", k.short+"/")
	}
	out, directive := offer(names, typed)
	return out, directive | cobra.ShellCompDirectiveNoSpace
}
