package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
)

var quoted = regexp.MustCompile("`([A-Za-z_0-9.]+)`")

// messageFields are the fields of Envoy's messages that a row names.
func messageFields(becomes string) []string {
	var out []string
	for _, m := range quoted.FindAllStringSubmatch(becomes, -1) {
		out = append(out, m[1])
	}
	return out
}

// changedFields are the fields whose values differ between two outputs of
// translate -o envoy, each under every name that it can be called by, which is
// MESSAGE.FIELD.FIELD from any message around it, and every field around it.
func changedFields(t *testing.T, a, b string) []string {
	t.Helper()
	before, after := fieldValues(t, a), fieldValues(t, b)
	var out []string
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if before[name] != after[name] {
			out = append(out, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, ok := after[name]; !ok {
			out = append(out, name)
		}
	}
	return out
}

// fieldValues is all values of each field, by its names.
func fieldValues(t *testing.T, text string) map[string]string {
	t.Helper()
	var lists struct{ Clusters, Endpoints, Listeners, Routes []json.RawMessage }
	if err := json.Unmarshal([]byte(text), &lists); err != nil {
		t.Fatal(err)
	}
	v := values{t: t, all: map[string]string{}}
	read := func(list []json.RawMessage, m proto.Message) {
		for _, raw := range list {
			one := proto.Clone(m)
			if err := protojson.Unmarshal(raw, one); err != nil {
				t.Fatal(err)
			}
			if assignment, ok := one.(*endpointv3.ClusterLoadAssignment); ok {
				v.places(assignment)
				assignment.Endpoints = nil
			}
			v.message(nil, one.ProtoReflect())
		}
	}
	read(lists.Clusters, &clusterv3.Cluster{})
	read(lists.Endpoints, &endpointv3.ClusterLoadAssignment{})
	read(lists.Listeners, &listenerv3.Listener{})
	read(lists.Routes, &routev3.RouteConfiguration{})
	return v.all
}

type values struct {
	t   *testing.T
	all map[string]string
}

// places says of each endpoint by itself where it stands: what differs may be
// only which endpoint has which of the same priorities.
func (v values) places(a *endpointv3.ClusterLoadAssignment) {
	const endpoints = "ClusterLoadAssignment.endpoints"
	all := map[string]string{}
	for _, group := range a.Endpoints {
		for _, e := range group.LbEndpoints {
			alone := proto.CloneOf(group)
			alone.LbEndpoints = []*endpointv3.LbEndpoint{e}
			one := values{t: v.t, all: map[string]string{}}
			address := one.message(nil, e.GetEndpoint().GetAddress().ProtoReflect())
			one.all[endpoints] = one.message([]string{endpoints}, alone.ProtoReflect())
			for name, value := range one.all {
				all[name+" "+address] += value
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		name, address, _ := strings.Cut(key, " ")
		v.all[name] += address + " has " + all[key]
	}
}

// message collects the fields of m and is the text of all; above are the names so
// far of where it stands.
func (v values) message(above []string, m protoreflect.Message) string {
	if packed, ok := m.Interface().(*anypb.Any); ok {
		inner, err := packed.UnmarshalNew()
		if err != nil {
			v.t.Fatal(err)
		}
		return v.message(above, inner.ProtoReflect())
	}
	names := append(slices.Clone(above), string(m.Descriptor().Name()))
	text := string(m.Descriptor().Name()) + "{"
	for i := range m.Descriptor().Fields().Len() {
		field := m.Descriptor().Fields().Get(i)
		if !m.Has(field) {
			continue
		}
		at := make([]string, len(names))
		for k, name := range names {
			at[k] = name + "." + string(field.Name())
		}
		value := v.field(at, field, m.Get(field))
		for _, name := range at {
			v.all[name] += value + "\n"
		}
		text += string(field.Name()) + ":" + value + " "
	}
	return text + "}"
}

func (v values) field(at []string, field protoreflect.FieldDescriptor, value protoreflect.Value) string {
	text := ""
	switch {
	case field.IsMap():
		for _, key := range sortedKeys(value.Map()) {
			text += key.String() + "="
			if one := value.Map().Get(key); field.MapValue().Message() != nil {
				text += v.message(at, one.Message())
			} else {
				text += fmt.Sprint(one)
			}
		}
	case field.IsList():
		for i := range value.List().Len() {
			if one := value.List().Get(i); field.Message() != nil {
				text += v.message(at, one.Message())
			} else {
				text += fmt.Sprint(one) + ","
			}
		}
	case field.Message() != nil:
		text = v.message(at, value.Message())
	default:
		text = fmt.Sprint(value)
	}
	return text
}

func sortedKeys(m protoreflect.Map) []protoreflect.MapKey {
	var out []protoreflect.MapKey
	m.Range(func(k protoreflect.MapKey, _ protoreflect.Value) bool {
		out = append(out, k)
		return true
	})
	slices.SortFunc(out, func(a, b protoreflect.MapKey) int { return strings.Compare(a.String(), b.String()) })
	return out
}
