package snapshot

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// subsetsOf is a rule for Service one with these subsets, for the clients that
// these labels pick; nil is for all.
func subsetsOf(name string, selector map[string]string, subsets ...string) store.Change {
	c := ruleFor("one", nil)
	r := c.Object.(*v1alpha1.DestinationRule)
	r.Name, c.Ref.Name = name, name
	if selector != nil {
		r.Spec.WorkloadSelector = &v1alpha1.WorkloadSelector{MatchLabels: selector}
	}
	for _, s := range subsets {
		r.Spec.Subsets = append(r.Spec.Subsets, v1alpha1.Subset{Name: s})
	}
	return c
}

func subsetOfOne(subset string) string {
	return envoy.ClusterName(80, subset, "one.default.svc.cluster.local")
}

func labelled(id string, labels map[string]string) model.Proxy {
	p := sidecar(id, "a")
	p.Labels = labels
	return p
}

// A subset is a cluster that comes and goes with its rule, by name and by wildcard.
func TestSubsetsComeAndGo(t *testing.T) {
	h, st := newHub(t, service("one"), endpointSlice("one", "one-x", "a", "10.0.0.1"))
	m := join(t, h, sidecar("c", "a"))
	named, err := h.Join(sidecar("n", "a"))
	if err != nil {
		t.Fatal(err)
	}
	named.Watch([]string{subsetOfOne("v1")})
	take(named)
	for _, step := range []struct {
		name   string
		change store.Change
		want   []string
	}{
		{"a rule comes", subsetsOf("r", nil, "v1", "v2"), []string{subsetOfOne("v1"), subsetOfOne("v2"), cluster("one")}},
		{"a subset goes", subsetsOf("r", nil, "v2"), []string{subsetOfOne("v2"), cluster("one")}},
		{"the rule goes", gone(subsetsOf("r", nil)), []string{cluster("one")}},
	} {
		st.Apply([]store.Change{step.change})
		h.Publish(time.Now())
		u := take(m)
		if names := u.View.Names(envoy.ClusterType); !slices.Equal(names, step.want) || !u.Scope {
			t.Errorf("%s: %v (scope %v), want %v", step.name, names, u.Scope, step.want)
		}
		for _, name := range []string{subsetOfOne("v1"), subsetOfOne("v2"), subsetOfOne("v3")} {
			for _, typeURL := range []string{envoy.ClusterType, envoy.EndpointType} {
				if got, want := u.View.Get(typeURL, name) != nil, slices.Contains(step.want, name); got != want {
					t.Errorf("%s: %s %s is there: %v, want %v", step.name, typeURL, name, got, want)
				}
			}
		}
		if v1 := slices.Contains(take(named).Names, subsetOfOne("v1")); v1 != (step.name != "the rule goes") {
			t.Errorf("%s: who watches v1 by name was told: %v", step.name, v1)
		}
	}
}

// Clients of one scope have the subsets that their labels give them.
func TestSubsetsBySelector(t *testing.T) {
	h, st := newHub(t, service("one"), subsetsOf("all", nil, "v1"), subsetsOf("cart", map[string]string{"app": "cart"}, "beta"))
	cart, other := join(t, h, labelled("cart", map[string]string{"app": "cart"})), join(t, h, labelled("other", nil))
	check := func(m *Member, want ...string) {
		t.Helper()
		if names := take(m).View.Names(envoy.ClusterType); !slices.Equal(names, append(want, cluster("one"))) {
			t.Errorf("%v, want %v", names, want)
		}
	}
	check(cart, subsetOfOne("beta"))
	check(other, subsetOfOne("v1"))
	st.Apply([]store.Change{subsetsOf("cart", map[string]string{"app": "else"}, "beta")})
	h.Publish(time.Now())
	check(cart, subsetOfOne("v1"))
	check(other, subsetOfOne("v1"))
}

// A rule without subsets that comes to count for some clients takes their subsets
// away, and gives them back when it goes.
func TestARuleWithoutSubsetsHidesThem(t *testing.T) {
	h, st := newHub(t, service("one"), subsetsOf("r", nil, "v1"))
	web := sidecar("c", "a")
	web.ID, web.Namespace = "web/c", "web"
	for name, hides := range map[string]store.Change{
		"a nearer rule":           moved(ruleFor("one", nil), "web"),
		"a rule for these labels": withSelector(moved(ruleFor("one", nil), "web"), "app", "cart"),
	} {
		web.Labels = map[string]string{"app": "cart"}
		m := join(t, h, web)
		check := func(want ...string) {
			t.Helper()
			if names := take(m).View.Names(envoy.ClusterType); !slices.Equal(names, want) {
				t.Errorf("%s: %v, want %v", name, names, want)
			}
		}
		check(subsetOfOne("v1"), cluster("one"))
		st.Apply([]store.Change{hides})
		h.Publish(time.Now())
		check(cluster("one"))
		st.Apply([]store.Change{gone(hides)})
		h.Publish(time.Now())
		check(subsetOfOne("v1"), cluster("one"))
		m.Leave()
	}
}

// moved is the rule for Service default/one, in another namespace.
func moved(c store.Change, namespace string) store.Change {
	r := c.Object.(*v1alpha1.DestinationRule)
	r.Namespace, c.Ref.Namespace, r.Spec.Host = namespace, namespace, "one.default"
	return c
}

func withSelector(c store.Change, key, value string) store.Change {
	c.Object.(*v1alpha1.DestinationRule).Spec.WorkloadSelector = &v1alpha1.WorkloadSelector{MatchLabels: map[string]string{key: value}}
	return c
}

// A client cannot make encodings by inventing labels: they count only as the set
// of selectors that they match. Nor by naming subsets that there are not.
func TestInventedLabelsMakeNoVariants(t *testing.T) {
	h, _ := newHub(t, service("one"), endpointSlice("one", "one-x", "a", "10.0.0.1"),
		subsetsOf("all", nil, "v1"), subsetsOf("cart", map[string]string{"app": "cart"}, "beta"))
	for i := range 50 {
		m := join(t, h, labelled(fmt.Sprint("c", i), map[string]string{"app": []string{"cart", "x"}[i%2], "mine": fmt.Sprint(i)}))
		view := take(m).View
		for _, name := range view.Names(envoy.ClusterType) {
			view.Get(envoy.ClusterType, name)
		}
	}
	view := take(join(t, h, labelled("one", nil))).View
	for i := range 50 {
		if name := subsetOfOne(fmt.Sprint("mine-", i)); view.Get(envoy.ClusterType, name) != nil {
			t.Errorf("%s is there", name)
		}
	}
	entry := h.Snapshot().Entries[model.ServiceKey("default", "one")]
	if len(entry.memo) != 4 { // the service as a whole and one subset, for either kind of client
		t.Errorf("%d variants, want 4", len(entry.memo))
	}
}

// A client that refused a subset is told of by the rule behind it, also once the
// subset is gone.
func TestARefusedSubset(t *testing.T) {
	h, st := newHub(t, service("one"), subsetsOf("r", nil, "v1"))
	m := join(t, h, sidecar("c", "a"))
	h.Refuse(Refusal{ProxyID: "default/c", TypeURL: envoy.ClusterType, Name: subsetOfOne("v1"), Message: "no"})
	rejected := func() model.ObjectRef {
		for _, p := range h.Problems() {
			if p.Reason == model.ProxyRejected {
				return p.Object
			}
		}
		return model.ObjectRef{}
	}
	if got := rejected(); got.Kind != v1alpha1.KindDestinationRule || got.Name != "r" {
		t.Errorf("reported on %s", got)
	}
	st.Apply([]store.Change{gone(subsetsOf("r", nil))})
	h.Publish(time.Now())
	take(m)
	if got := rejected(); got != (model.ObjectRef{}) {
		t.Errorf("still reported on %s", got)
	}
}
