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
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/controlplane/status"
	"github.com/coastwise/coastwise/translate/model"
)

// waitKind is a kind that can be waited for, with the names that kubectl takes for it.
type waitKind struct {
	name, resource, singular, short string
	cluster                         bool // it has no namespace
	group                           schema.GroupVersion
}

func waitKinds() []waitKind {
	ours, gateway := v1alpha1.GroupVersion(), schema.GroupVersion(gatewayv1.GroupVersion)
	return []waitKind{
		{v1alpha1.KindDestinationRule, "destinationrules", "destinationrule", "dr", false, ours},
		{v1alpha1.KindServiceEntry, "serviceentries", "serviceentry", "se", false, ours},
		{v1alpha1.KindWorkloadEntry, "workloadentries", "workloadentry", "we", false, ours},
		{v1alpha1.KindMeshConfig, "meshconfigs", "meshconfig", "mc", true, ours},
		{status.KindGateway, "gateways", "gateway", "gtw", false, gateway},
		{status.KindHTTPRoute, "httproutes", "httproute", "", false, gateway},
		{status.KindGRPCRoute, "grpcroutes", "grpcroute", "", false, gateway},
	}
}

// isRoute says that its status is one for each parent.
func (k waitKind) isRoute() bool {
	return k.name == status.KindHTTPRoute || k.name == status.KindGRPCRoute
}

// crds is what makes the kind known to an API server.
func (k waitKind) crds() string {
	if k.group.Group == v1alpha1.GroupName {
		return "kubectl apply -f crds/"
	}
	return "install the CRDs of the Gateway API"
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
		if word != "" && slices.Contains([]string{k.singular, k.resource, k.short, k.resource + "." + k.group.Group, k.singular + "." + k.group.Group}, word) {
			return target{kind: k, name: name}, nil
		}
	}
	var known []string
	for _, k := range waitKinds() {
		known = append(known, strings.TrimSuffix(fmt.Sprintf("%s (%s)", k.name, k.short), " ()"))
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
	if t.kind.isRoute() && condition == status.Programmed {
		condition = status.RouteProgrammed // there is no other
	}
	if has := status.Conditions(t.kind.name); t.kind.name != "" && !slices.Contains(has, condition) {
		return fmt.Errorf("--for: %q: a %s has no such condition, but %s", s, t.kind.name, strings.ToLower(strings.Join(has, ", ")))
	}
	t.condition = condition
	return nil
}

// String is the object as kubectl prints it.
func (t target) String() string { return t.kind.singular + "." + t.kind.group.Group + "/" + t.name }

// verdict is what an object says of itself.
type verdict struct {
	done  bool
	said  string // the condition and, if it cannot become True, why
	brief string // the same without words that change all the time
}

// judge reads the status of an object; only what was said of its present generation
// counts. A route is as far as the parent that is behind.
func (t target) judge(object *unstructured.Unstructured) (verdict, error) {
	var known struct {
		Status struct {
			Conditions []metav1.Condition            `json:"conditions"`
			Parents    []gatewayv1.RouteParentStatus `json:"parents"`
		} `json:"status"`
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &known); err != nil {
		return verdict{}, fmt.Errorf("%s: its status cannot be read: %w", t, err)
	}
	if !t.kind.isRoute() {
		return t.judged(known.Status.Conditions, object.GetGeneration()), nil
	}
	out, some := t.judged(nil, object.GetGeneration()), false
	for _, p := range known.Status.Parents {
		if p.ControllerName != model.GatewayController {
			continue
		}
		v := t.judged(p.Conditions, object.GetGeneration())
		if !some || !v.done {
			out, some = v, true
		}
		if !v.done {
			break
		}
	}
	return out, nil
}

// judged reads conditions of a generation.
func (t target) judged(conditions []metav1.Condition, generation int64) verdict {
	var wanted, accepted *metav1.Condition
	for i, c := range conditions {
		if c.ObservedGeneration != generation {
			continue
		}
		switch c.Type {
		case t.condition:
			wanted = &conditions[i]
		case status.Accepted:
			accepted = &conditions[i]
		}
	}
	if wanted == nil {
		why := "is `coastwise serve` running in this cluster, and does a replica lead?"
		if t.kind.group.Group != v1alpha1.GroupName {
			why = strings.TrimSuffix(why, "?") + ", and is its class, or a parent, of coastwise?"
		}
		none := fmt.Sprintf("nothing is said of generation %d yet (%s)", generation, why)
		return verdict{said: none, brief: none}
	}
	v := verdict{done: wanted.Status == metav1.ConditionTrue, said: tell(wanted), brief: brief(wanted)}
	if accepted != nil && accepted.Status == metav1.ConditionFalse {
		v.said, v.brief = tell(accepted)+"\n"+v.said, brief(accepted)+v.brief
	}
	return v
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
		names = append(names, k.singular+"/")
		if k.short != "" {
			names = append(names, k.short+"/")
		}
	}
	out, directive := offer(names, typed)
	return out, directive | cobra.ShellCompDirectiveNoSpace
}
