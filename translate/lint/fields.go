package lint

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/admit"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// index is an entry of a list.
func index(field string, i int) string { return field + "[" + strconv.Itoa(i) + "]" }

// outliersOf are the outlierDetection blocks as they are written.
func (m *mesh) outliersOf(each func(ref model.ObjectRef, field string, o *v1alpha1.OutlierDetection)) {
	visit := func(ref model.ObjectRef, field string, o *v1alpha1.OutlierDetection) {
		if o != nil {
			each(ref, field+".outlierDetection", o)
		}
	}
	if m.config != nil && m.config.Spec.DefaultTrafficPolicy != nil {
		visit(meshRef(), "spec.defaultTrafficPolicy", m.config.Spec.DefaultTrafficPolicy.OutlierDetection)
	}
	for _, r := range m.rules {
		for _, p := range r.policies() {
			visit(r.ref, p.field, p.policy.OutlierDetection)
			for i, e := range p.policy.PortLevelSettings {
				visit(r.ref, index(p.field+".portLevelSettings", i), e.OutlierDetection)
			}
		}
	}
}

// meshDefaultOutliers is D8.
func meshDefaultOutliers(m *mesh) []hit {
	var out []hit
	m.outliersOf(func(ref model.ObjectRef, field string, _ *v1alpha1.OutlierDetection) {
		if ref == meshRef() {
			out = append(out, hit{ref, field, ""})
		}
	})
	return out
}

// unreadyNeverChosen is D9.
func unreadyNeverChosen(m *mesh) []hit {
	var out []hit
	m.outliersOf(func(ref model.ObjectRef, field string, o *v1alpha1.OutlierDetection) {
		if o.MinHealthPercent != nil && *o.MinHealthPercent > 0 {
			out = append(out, hit{ref, field + ".minHealthPercent", ""})
		}
	})
	return out
}

// explicitZero is reference/destination-rule.md 5, by admission's own table.
func explicitZero(m *mesh) []hit {
	var out []hit
	add := func(ref model.ObjectRef, zeros []admit.Zero) {
		for _, z := range zeros {
			out = append(out, hit{ref, z.Field, fmt.Sprintf("it %s, where Istio has %s", z.Here, z.Istio)})
		}
	}
	if m.config != nil && m.config.Spec.DefaultTrafficPolicy != nil {
		add(meshRef(), admit.DefaultZeros(m.config.Spec.DefaultTrafficPolicy))
	}
	for _, r := range m.rules {
		add(r.ref, admit.Zeros(&r.Spec))
	}
	return out
}

// fieldNotInIstio finds the fields that only ours have, by their tag; D4 speaks of
// failoverThreshold.
func fieldNotInIstio(m *mesh) []hit {
	var out []hit
	for _, o := range m.Objects {
		switch object := o.Object.(type) {
		case *v1alpha1.DestinationRule:
			out = appendOurs(out, o.Ref, "spec", reflect.ValueOf(object.Spec))
		case *v1alpha1.MeshConfig:
			out = appendOurs(out, o.Ref, "spec", reflect.ValueOf(object.Spec))
		}
	}
	return out
}

func appendOurs(out []hit, ref model.ObjectRef, at string, v reflect.Value) []hit {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return appendOurs(out, ref, at, v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			out = appendOurs(out, ref, index(at, i), v.Index(i))
		}
	case reflect.Struct:
		for f, value := range v.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case name == "failoverThreshold" || value.IsZero():
			case f.Tag.Get("istio") == "-":
				out = append(out, hit{ref, at + "." + name, ""})
			default:
				out = appendOurs(out, ref, at+"."+name, value)
			}
		}
	}
	return out
}

// hostNameNamespace is semantics 3, where that makes a rule act that does nothing
// in Istio.
func hostNameNamespace(m *mesh) []hit {
	var out []hit
	for _, r := range m.rules {
		suffix := strings.TrimPrefix(strings.ToLower(r.Spec.Host), "*.")
		if !strings.Contains(r.Spec.Host, ".") {
			continue
		}
		for _, s := range r.services {
			literal := s.Host == suffix || strings.HasSuffix(s.Host, "."+suffix)
			if _, wildcard := ingest.RuleKey(r.Namespace, r.Spec.Host); !literal || !wildcard && s.Host != suffix {
				out = append(out, hit{r.ref, "spec.host", fmt.Sprintf("%s is %s", r.Spec.Host, s.Host)})
				break
			}
		}
	}
	return out
}

// maglevDefault is reference/destination-rule.md 2.2.
func maglevDefault(m *mesh) []hit {
	var out []hit
	for _, b := range m.balancers() {
		if h := b.ConsistentHash; h != nil && h.Maglev != nil && h.Maglev.TableSize == nil {
			out = append(out, hit{b.rule.ref, b.field + ".consistentHash.maglev", ""})
		}
	}
	return out
}

// istioKindNotRead is semantics 8.4 for whoever comes from Istio.
func istioKindNotRead(m *mesh) []hit {
	var out []hit
	for _, f := range m.Foreign {
		if _, group, ok := strings.Cut(f.Kind, "."); ok && (group == "istio.io" || strings.HasSuffix(group, ".istio.io")) {
			kind, _, _ := strings.Cut(f.Kind, ".")
			out = append(out, hit{f, "kind", without(kind)})
		}
	}
	return out
}

// without says what is missing without a kind of Istio; "" of a rare one.
func without(kind string) string {
	switch kind {
	case "VirtualService":
		return "its routes, splits, retries and timeouts are not made; requests go to the service as a whole"
	case "Gateway":
		return "no listener is made of it; --kind gateway has the HTTP proxy port and declared listeners"
	case "Sidecar":
		return "what a client sees is narrowed by --scope, the annotation scope of its Namespace, and export-to"
	case "PeerAuthentication", "AuthorizationPolicy", "RequestAuthentication":
		return "nothing is enforced"
	case "EnvoyFilter":
		return "Envoys are configured as the manual says, and not patched"
	}
	return ""
}
