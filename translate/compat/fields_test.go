package compat

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	meshv1alpha1 "istio.io/api/mesh/v1alpha1"
	networkingv1alpha3 "istio.io/api/networking/v1alpha3"

	"github.com/coastwise/coastwise/api/v1alpha1"
)

// TestOurFields holds the table against the types: a row, and one only, for every
// field that can be written, and no row that is for none.
func TestOurFields(t *testing.T) {
	for kind, spec := range map[string]reflect.Type{
		v1alpha1.KindDestinationRule: reflect.TypeFor[v1alpha1.DestinationRuleSpec](),
		v1alpha1.KindMeshConfig:      reflect.TypeFor[v1alpha1.MeshConfigSpec](),
		v1alpha1.KindServiceEntry:    reflect.TypeFor[v1alpha1.ServiceEntrySpec](),
		v1alpha1.KindWorkloadEntry:   reflect.TypeFor[v1alpha1.WorkloadEntrySpec](),
	} {
		leaves := map[string]bool{}
		goLeaves("spec", spec, leaves)
		if len(leaves) < 7 {
			t.Errorf("%s: only %d fields were seen", kind, len(leaves))
		}
		s := section(t, kind)
		for _, field := range slices.Sorted(maps.Keys(leaves)) {
			if _, ok := find(t, kind, field); !ok {
				t.Errorf("%s %s has no row", kind, field)
			}
		}
		for _, r := range s.Rows {
			isOurs := leaves[r.Field] || r.As != "" && around(r.Field, leaves)
			unknown := r.Status == Refused && strings.HasPrefix(r.Notes, "unknown field")
			if strings.HasPrefix(r.Field, "spec.") && isOurs == unknown {
				t.Errorf("%s %s: a row, and there is no such field, or it is called unknown and is none", kind, r.Name())
			}
		}
	}
}

// TestIstiosFields holds it against Istio's API: a row for every field of Istio's
// kinds, and none that Istio is said to have and has not.
func TestIstiosFields(t *testing.T) {
	for kind, spec := range map[string]protoreflect.ProtoMessage{
		"DestinationRule": &networkingv1alpha3.DestinationRule{},
		"ServiceEntry":    &networkingv1alpha3.ServiceEntry{},
		"WorkloadEntry":   &networkingv1alpha3.WorkloadEntry{},
	} {
		leaves := map[string]bool{}
		protoLeaves("spec", spec.ProtoReflect().Descriptor(), leaves)
		for _, field := range slices.Sorted(maps.Keys(leaves)) {
			if r, ok := find(t, kind, field); !ok {
				t.Errorf("Istio's %s has %s, which has no row", kind, field)
			} else if r.Own {
				t.Errorf("Istio's %s has %s too", kind, field)
			}
		}
		for _, r := range section(t, kind).Rows {
			has := leaves[r.Field] || r.As != "" && around(r.Field, leaves)
			if strings.HasPrefix(r.Field, "spec.") && has == r.Own {
				t.Errorf("%s %s: Own is %t, and that Istio's kind has it is %t", kind, r.Name(), r.Own, has)
			}
		}
	}
}

// otherConcerns are the fields of Istio's MeshConfig that say nothing of load
// balancing, endpoints or who sees them.
var otherConcerns = []string{
	"accessLogEncoding", "accessLogFile", "accessLogFormat", "ca", "caCertificates", "certificates", "configSources",
	"defaultConfig", "defaultProviders", "defaultVirtualServiceExportTo", "disableEnvoyListenerLog", "discoverySelectors",
	"enableEnvoyAccessLogService", "enablePrometheusMerge", "enableTracing", "extensionProviders", "hboneIdleTimeout",
	"inboundClusterStatName", "inboundTrafficPolicy", "ingressClass", "ingressControllerMode", "ingressSelector",
	"ingressService", "meshMTLS", "outboundClusterStatName", "pathNormalization", "protocolDetectionTimeout",
	"proxyHttpPort", "proxyInboundListenPort", "proxyListenPort", "serviceEntryVisibility", "tlsDefaults",
	"trustDomain", "trustDomainAliases", "verifyCertificateAtClient",
}

// TestIstiosMesh holds the same of Istio's MeshConfig, as far as it touches load
// balancing (reference/destination-rule.md 2.10).
func TestIstiosMesh(t *testing.T) {
	rows := map[string]bool{} // by the field below spec, whether it is our own
	for _, r := range section(t, "MeshConfig").Rows {
		name, below, _ := strings.Cut(strings.TrimPrefix(r.Field, "spec."), ".")
		if below == "" || !r.Own {
			rows[name] = r.Own
		}
	}
	fields := (&meshv1alpha1.MeshConfig{}).ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		name := fields.Get(i).JSONName()
		own, ok := rows[name]
		if ok == slices.Contains(otherConcerns, name) || own {
			t.Errorf("Istio's MeshConfig has %s: it needs a row that says so, or concerns something else", name)
		}
		delete(rows, name)
	}
	for name, own := range rows {
		if !own {
			t.Errorf("%s is no field of Istio's MeshConfig", name)
		}
	}
}

func section(t *testing.T, kind string) Section {
	t.Helper()
	for _, s := range Table() {
		if s.Kind == kind {
			return s
		}
	}
	t.Fatalf("no section for %s", kind)
	return Section{}
}

// find is the row of a field, which may be told of as part of another block.
func find(t *testing.T, kind, field string) (Row, bool) {
	t.Helper()
	s := section(t, kind)
	if r, ok := s.Find(field); ok {
		return r, true
	}
	if slices.ContainsFunc(s.Rows, func(r Row) bool { return r.Field == field }) { // single values of it
		return Row{Field: field}, true
	}
	best := Row{}
	for _, r := range s.Rows {
		if r.As != "" && strings.HasPrefix(field, r.Field+".") && len(r.Field) > len(best.Field) {
			best = r
		}
	}
	if best.As == "" {
		return Row{}, false
	}
	asKind, asField, _ := strings.Cut(best.As, " ")
	return find(t, asKind, asField+strings.TrimPrefix(field, best.Field))
}

// around says whether some leaf stands below a block.
func around(block string, leaves map[string]bool) bool {
	for leaf := range leaves {
		if strings.HasPrefix(leaf, block+".") {
			return true
		}
	}
	return false
}

// goLeaves collects the fields below t that hold values, not others.
func goLeaves(at string, t reflect.Type, found map[string]bool) {
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" { // nobody can write it
			continue
		}
		ft, below := f.Type, at+"."+name
		if ft.Kind() == reflect.Pointer {
			ft = ft.Elem()
		}
		if ft.Kind() == reflect.Slice && ft.Elem().Kind() == reflect.Struct {
			ft, below = ft.Elem(), below+"[]"
		}
		if ft.Kind() == reflect.Struct {
			goLeaves(below, ft, found)
		} else {
			found[below] = true
		}
	}
}

// protoLeaves is the same of a message, as JSON has it.
func protoLeaves(at string, m protoreflect.MessageDescriptor, found map[string]bool) {
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		below := at + "." + f.JSONName()
		switch {
		case f.Message() == nil || f.IsMap() || f.Message().ParentFile().Package() == "google.protobuf":
			found[below] = true
		case f.IsList():
			protoLeaves(below+"[]", f.Message(), found)
		default:
			protoLeaves(below, f.Message(), found)
		}
	}
}
