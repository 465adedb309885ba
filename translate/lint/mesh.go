package lint

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// mesh is a Mesh by kinds.
type mesh struct {
	Mesh
	rules      []*rule
	config     *v1alpha1.MeshConfig // nil if there is none
	services   []typed[*corev1.Service]
	slices     []typed[*discoveryv1.EndpointSlice]
	namespaces []typed[*corev1.Namespace]
	entries    []typed[*v1alpha1.ServiceEntry]
	workloads  []typed[*v1alpha1.WorkloadEntry]
}

type typed[T any] struct {
	ref    model.ObjectRef
	object T
}

// rule is a DestinationRule and the services that it is for, those that are known.
type rule struct {
	*v1alpha1.DestinationRule
	ref      model.ObjectRef
	services []*model.Service
}

func newMesh(m Mesh) *mesh {
	out := &mesh{Mesh: m}
	for _, o := range m.Objects {
		switch object := o.Object.(type) {
		case *v1alpha1.DestinationRule:
			out.rules = append(out.rules, &rule{object, o.Ref, meant(object, m.Services)})
		case *v1alpha1.MeshConfig:
			out.config = object
		case *v1alpha1.ServiceEntry:
			out.entries = append(out.entries, typed[*v1alpha1.ServiceEntry]{o.Ref, object})
		case *v1alpha1.WorkloadEntry:
			out.workloads = append(out.workloads, typed[*v1alpha1.WorkloadEntry]{o.Ref, object})
		case *corev1.Service:
			out.services = append(out.services, typed[*corev1.Service]{o.Ref, object})
		case *discoveryv1.EndpointSlice:
			out.slices = append(out.slices, typed[*discoveryv1.EndpointSlice]{o.Ref, object})
		case *corev1.Namespace:
			out.namespaces = append(out.namespaces, typed[*corev1.Namespace]{o.Ref, object})
		}
	}
	return out
}

// meant are the services that a rule's host names: those of exactly that host, and
// those that it stands for unless one of the former is of its namespace (semantics 3).
func meant(dr *v1alpha1.DestinationRule, services []*model.Service) []*model.Service {
	key, wildcard := ingest.RuleKey(dr.Namespace, dr.Spec.Host)
	var exact, out []*model.Service
	for _, s := range services {
		switch {
		case !wildcard && s.Host == strings.ToLower(dr.Spec.Host):
			exact = append(exact, s)
		case !wildcard && s.Host == key.Host, wildcard && ingest.HostMatches(dr.Spec.Host, s.Host):
			out = append(out, s)
		}
	}
	if slices.ContainsFunc(exact, func(s *model.Service) bool { return s.Namespace == dr.Namespace }) {
		return exact
	}
	return append(exact, out...)
}

// meshOn says that services about which nobody speaks have locality all the same
// (semantics 3.4).
func (m *mesh) meshOn() bool {
	if m.config != nil && m.config.Spec.LocalityLbSetting != nil && m.config.Spec.LocalityLbSetting.Enabled != nil {
		return *m.config.Spec.LocalityLbSetting.Enabled
	}
	return m.LocalityDefault
}

func meshRef() model.ObjectRef {
	return model.ObjectRef{Kind: v1alpha1.KindMeshConfig, Name: v1alpha1.MeshConfigName}
}

// cell is what a rule says for one port and subset.
type cell struct {
	*rule
	ingest.Effective
}

// cells are every combination of ports and subsets that the rules tell apart. There
// may be as many as their product, each made in the time of its ports.
func (m *mesh) cells() []cell {
	var out []cell
	for _, r := range m.rules {
		for subset := -1; subset < len(r.Spec.Subsets); subset++ {
			if subset >= 0 && r.Spec.Subsets[subset].TrafficPolicy == nil {
				continue // it says what the rule says
			}
			for _, port := range r.ports() {
				out = append(out, cell{r, ingest.EffectiveAt(r.DestinationRule, port, subset)})
			}
		}
	}
	return out
}

// ports are 0, for one without an entry, and those that an entry is for, in order.
func (r *rule) ports() []uint32 {
	out := []uint32{0}
	seen := map[uint32]bool{0: true}
	for _, p := range r.policies() {
		for _, e := range p.policy.PortLevelSettings {
			if number := uint32(e.Port.Number); !seen[number] {
				seen[number] = true
				out = append(out, number)
			}
		}
	}
	return out
}

// policyAt is a trafficPolicy as it is written, and where.
type policyAt struct {
	policy *v1alpha1.TrafficPolicy
	field  string
}

func (r *rule) policies() []policyAt {
	var out []policyAt
	if t := r.Spec.TrafficPolicy; t != nil {
		out = append(out, policyAt{t, "spec.trafficPolicy"})
	}
	for i := range r.Spec.Subsets {
		if t := r.Spec.Subsets[i].TrafficPolicy; t != nil {
			out = append(out, policyAt{t, index("spec.subsets", i) + ".trafficPolicy"})
		}
	}
	return out
}

// setting is the localityLbSetting, nil if there is none.
func (c cell) setting() *v1alpha1.LocalityLbSetting {
	if c.LoadBalancer == nil {
		return nil
	}
	return c.LoadBalancer.LocalityLbSetting
}

func (c cell) settingAt() string { return c.LoadBalancerAt + ".localityLbSetting" }

// acts says that the setting orders or shares endpoints.
func (c cell) acts() bool {
	s := c.setting()
	return s.Speaks() && (s.Enabled == nil || *s.Enabled) && !c.passes()
}

// passes says that the client chooses the endpoint.
func (c cell) passes() bool {
	return c.LoadBalancer != nil && c.LoadBalancer.Simple == string(model.Passthrough)
}

// settingOf is a localityLbSetting as it is written, of a rule or of the mesh.
type settingOf struct {
	*v1alpha1.LocalityLbSetting
	object model.ObjectRef
	field  string
	// rule is nil for the mesh's.
	rule *rule
}

// settings are all that are written, in order.
func (m *mesh) settings() []settingOf {
	var out []settingOf
	if m.config != nil && m.config.Spec.LocalityLbSetting != nil {
		out = append(out, settingOf{m.config.Spec.LocalityLbSetting, meshRef(), "spec.localityLbSetting", nil})
	}
	for _, b := range m.balancers() {
		if s := b.LocalityLbSetting; s != nil {
			out = append(out, settingOf{s, b.rule.ref, b.field + ".localityLbSetting", b.rule})
		}
	}
	return out
}

// balancerOf is a loadBalancer as it is written.
type balancerOf struct {
	*v1alpha1.LoadBalancer
	rule  *rule
	field string
}

func (m *mesh) balancers() []balancerOf {
	var out []balancerOf
	add := func(r *rule, lb *v1alpha1.LoadBalancer, field string) {
		if lb != nil {
			out = append(out, balancerOf{lb, r, field + ".loadBalancer"})
		}
	}
	for _, r := range m.rules {
		for _, p := range r.policies() {
			add(r, p.policy.LoadBalancer, p.field)
			for i, e := range p.policy.PortLevelSettings {
				add(r, e.LoadBalancer, index(p.field+".portLevelSettings", i))
			}
		}
	}
	return out
}

// hits are sorted and said once, however many cells gave them.
func (m *mesh) hits(each func(c cell) (field, detail string)) []hit {
	var out []hit
	seen := map[hit]bool{}
	for _, c := range m.cells() {
		field, detail := each(c)
		if h := (hit{c.ref, field, detail}); field != "" && !seen[h] {
			seen[h] = true
			out = append(out, h)
		}
	}
	return out
}
