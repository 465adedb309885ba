package admit

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	networking "istio.io/api/networking/v1alpha3"
	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/api/v1alpha1"
)

// istioSpecs are the messages that are read, and the structs that they are read into.
var istioSpecs = []struct {
	message proto.Message
	spec    reflect.Type
}{
	{&networking.DestinationRule{}, reflect.TypeFor[v1alpha1.DestinationRuleSpec]()},
	{&networking.ServiceEntry{}, reflect.TypeFor[v1alpha1.ServiceEntrySpec]()},
	{&networking.WorkloadEntry{}, reflect.TypeFor[v1alpha1.WorkloadEntrySpec]()},
}

// TestIstioFields holds the structs against Istio's own: the same fields under the
// same names, except those that are tagged as ours alone.
func TestIstioFields(t *testing.T) {
	for _, s := range istioSpecs {
		seen := map[reflect.Type]bool{}
		compareFields(t, "spec", s.message.ProtoReflect().Descriptor(), s.spec, seen)
		if len(seen) < 1 {
			t.Errorf("%v: nothing was compared", s.spec)
		}
	}
}

func compareFields(t *testing.T, at string, message protoreflect.MessageDescriptor, spec reflect.Type, seen map[reflect.Type]bool) {
	if seen[spec] {
		return
	}
	seen[spec] = true
	known, ours := istioFields(spec)
	theirs := message.Fields()
	for i := range theirs.Len() {
		f := theirs.Get(i)
		name := f.JSONName()
		ft, ok := known[name]
		if !ok {
			t.Errorf("%s.%s is Istio's, and %v has no such field", at, name, spec)
			continue
		}
		delete(known, name)
		for ft.Kind() == reflect.Pointer || ft.Kind() == reflect.Slice {
			ft = ft.Elem()
		}
		if m := f.Message(); m != nil && !f.IsMap() && ft.Kind() == reflect.Struct {
			compareFields(t, at+"."+name, m, ft, seen)
		}
	}
	for name := range known {
		t.Errorf("%s.%s is not Istio's: tag it istio:\"-\"", at, name)
	}
	for name := range ours {
		if theirs.ByJSONName(name) != nil {
			t.Errorf("%s.%s is tagged as ours alone, and Istio has it", at, name)
		}
	}
}

// TestIstioRoundTrip reads what Istio writes, and Istio reads it back as it was:
// no value of any field is lost, and none is refused for its form.
func TestIstioRoundTrip(t *testing.T) {
	for _, s := range istioSpecs {
		t.Run(s.spec.Name(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) { roundTrip(t, s.message, s.spec) })
		})
	}
}

func roundTrip(t *rapid.T, kind proto.Message, spec reflect.Type) {
	want := kind.ProtoReflect().New()
	fill(t, want, 0)
	raw, err := json.Marshal(want.Interface())
	if err != nil {
		t.Fatal(err)
	}
	if rapid.Bool().Draw(t, "protojson") {
		raw, err = protojson.Marshal(want.Interface())
		if err != nil {
			t.Fatal(err)
		}
	}
	doc, err := parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	r := &report{istio: true}
	clean := r.shape("", spec, doc.root)
	ours := reflect.New(spec).Interface()
	if err := decode(clean, ours); err != nil || len(r.problems) > 0 {
		t.Fatalf("%s: %v %v", raw, err, r.problems)
	}
	back, err := json.Marshal(ours)
	if err != nil {
		t.Fatal(err)
	}
	got := kind.ProtoReflect().New().Interface()
	if err := json.Unmarshal(back, got); err != nil {
		t.Fatalf("%s: %v", back, err)
	}
	if !proto.Equal(want.Interface(), got) {
		t.Fatalf("wrote %s\nread  %s", raw, back)
	}
}

// fill sets about half of the fields, of each oneof one at most, to values that
// the wire form can tell from absent ones.
func fill(t *rapid.T, m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if rapid.Bool().Draw(t, f.JSONName()) || f.ContainingOneof() != nil && m.WhichOneof(f.ContainingOneof()) != nil {
			continue
		}
		switch {
		case f.IsMap():
			for _, key := range []string{"a", "b/c"} {
				m.Mutable(f).Map().Set(protoreflect.ValueOfString(key).MapKey(), scalar(t, f.MapValue()))
			}
		case f.IsList():
			list := m.Mutable(f).List()
			for range rapid.IntRange(1, 2).Draw(t, "entries") {
				if f.Message() == nil {
					list.Append(scalar(t, f))
					continue
				}
				e := list.NewElement()
				fill(t, e.Message(), depth+1)
				list.Append(e)
			}
		case f.Message() != nil:
			fillMessage(t, f, m.Mutable(f).Message(), depth)
		default:
			m.Set(f, scalar(t, f))
		}
	}
}

func fillMessage(t *rapid.T, of protoreflect.FieldDescriptor, m protoreflect.Message, depth int) {
	switch name := m.Descriptor().FullName(); {
	case name == "google.protobuf.Duration":
		d := durationpb.New(time.Duration(rapid.IntRange(1, 9_999_999).Draw(t, "ms")) * time.Millisecond)
		proto.Merge(m.Interface(), d)
	case strings.HasPrefix(string(name), "google.protobuf."): // a wrapper: 0 and false are not absent
		f := m.Descriptor().Fields().ByName("value")
		if of.JSONName() == "insecureSkipVerify" || rapid.Bool().Draw(t, "not zero") { // of this one false means absent
			m.Set(f, scalar(t, f))
		}
	default:
		fill(t, m, depth+1)
	}
}

func scalar(t *rapid.T, f protoreflect.FieldDescriptor) protoreflect.Value {
	n := rapid.IntRange(1, 1<<31-1).Draw(t, "number")
	switch f.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(int32(n))
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(uint32(n))
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(uint64(n))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(float64(n) / 4)
	case protoreflect.EnumKind: // the zero value of some is the default, and not written
		values := f.Enum().Values()
		return protoreflect.ValueOfEnum(values.Get(1 + n%(values.Len()-1)).Number())
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(rapid.SampledFrom([]string{"a", "eu/eu-1/*", "70", "x=y"}).Draw(t, "text"))
	}
	panic("no value for " + string(f.FullName()))
}
