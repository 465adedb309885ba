package main

import (
	"encoding/json"
	"path/filepath"
	"reflect"
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

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/compat"
)

// hostile are words of an author who wants Envoy to read a file, run an
// expression, or load an extension.
var hostile = []string{
	"/etc/passwd", "../../etc/passwd", "file:///etc/passwd", "unix:///run/x.sock", "(a+)+$", ".*", "%REQ(:PATH)%",
	"type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua", `{"@type": "type.googleapis.com/envoy.config.core.v3.DataSource"}`,
}

// TestNothingRawReachesEnvoy writes such words into every field that holds words,
// of every kind. Whether the object is admitted or not: what clients receive has
// no regular expression, no file but those of --tls-dir, and only the extensions
// that coastwise itself writes.
func TestNothingRawReachesEnvoy(t *testing.T) {
	dir, err := filepath.Abs("../../translate/testdata/tls-other")
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, section := range compat.Table() {
		samples := samplesOf(section.Kind)
		for _, row := range section.Rows {
			s := samples[row.Name()]
			words := s.hostile(t, asked)
			asked++
			t.Run(section.Kind+"/"+strings.ReplaceAll(row.Name(), "/", "|"), func(t *testing.T) {
				t.Parallel()
				for _, value := range append(words, s.value) {
					checkRaw(t, dir, resourcesOf(t, s.commandLine(t, section.Kind, row.Field, value)))
				}
			})
		}
	}
	if asked < 100 {
		t.Errorf("only %d fields were written", asked)
	}
}

// hostile are the sample's values of words, each replaced; every field gets some of
// the words, and every word comes often.
func (s sample) hostile(t *testing.T, nth int) []string {
	t.Helper()
	like := readObject(t, "v: "+s.value)["v"]
	var out []string
	for i := range 2 {
		word := hostile[(nth+4*i)%len(hostile)]
		value := replaced(like, word)
		if reflect.DeepEqual(value, like) {
			return nil // it holds no words
		}
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(text))
	}
	return out
}

func replaced(value any, word string) any {
	switch value := value.(type) {
	case string:
		return word
	case []any:
		out := make([]any, len(value))
		for i, v := range value {
			out[i] = replaced(v, word)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, v := range value {
			out[k] = replaced(v, word)
		}
		return out
	}
	return value
}

// extensions are all that coastwise ever packs.
var extensions = []string{
	"envoy.extensions.access_loggers.stream.v3.StdoutAccessLog", "envoy.extensions.clusters.dns.v3.DnsCluster",
	"envoy.extensions.common.matching.v3.ExtensionWithMatcher",
	"envoy.extensions.filters.common.matcher.action.v3.SkipFilter",
	"envoy.extensions.filters.http.router.v3.Router", "envoy.extensions.filters.http.set_filter_state.v3.Config",
	"envoy.extensions.filters.listener.original_dst.v3.OriginalDst",
	"envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
	"envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", "envoy.extensions.formatter.cel.v3.Cel",
	"envoy.extensions.load_balancing_policies.cluster_provided.v3.ClusterProvided",
	"envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest",
	"envoy.extensions.load_balancing_policies.maglev.v3.Maglev", "envoy.extensions.load_balancing_policies.random.v3.Random",
	"envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash",
	"envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin",
	"envoy.extensions.matching.common_inputs.network.v3.DestinationIPInput",
	"envoy.extensions.matching.common_inputs.network.v3.DestinationPortInput",
	"envoy.extensions.matching.common_inputs.network.v3.FilterStateInput",
	"envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
	"envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport",
	"envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
	"envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer", "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
	"envoy.extensions.upstreams.http.v3.HttpProtocolOptions", "envoy.type.matcher.v3.HttpRequestHeaderMatchInput",
	"xds.type.matcher.v3.IPMatcher",
	"google.protobuf.StringValue", // the name of a filter chain, the action of its matcher
}

// What these kinds may cause coastwise to write, to the letter: patterns, formats and
// internal listeners. (An HTTPRoute has patterns of its author's, and is not in the table.)
var (
	patterns = []string{`(\[[0-9A-Fa-f:.]+\]|[0-9]+(\.[0-9]+){3}):[0-9]+`}
	formats  = []string{"%REQ(:AUTHORITY)%"}
	internal = []string{"outbound"}
)

func checkRaw(t *testing.T, dir, text string) {
	t.Helper()
	var lists struct{ Clusters, Endpoints, Listeners, Routes []json.RawMessage }
	if err := json.Unmarshal([]byte(text), &lists); err != nil {
		t.Fatal(err)
	}
	for _, l := range []struct {
		list []json.RawMessage
		like proto.Message
	}{
		{lists.Clusters, &clusterv3.Cluster{}},
		{lists.Endpoints, &endpointv3.ClusterLoadAssignment{}},
		{lists.Listeners, &listenerv3.Listener{}},
		{lists.Routes, &routev3.RouteConfiguration{}},
	} {
		for _, raw := range l.list {
			m := proto.Clone(l.like)
			if err := protojson.Unmarshal(raw, m); err != nil {
				t.Fatal(err)
			}
			walkRaw(t, dir, m.ProtoReflect())
		}
	}
}

// walkRaw looks at m and every message in it.
func walkRaw(t *testing.T, dir string, m protoreflect.Message) {
	t.Helper()
	if packed, ok := m.Interface().(*anypb.Any); ok {
		inner, err := packed.UnmarshalNew()
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(extensions, string(packed.MessageName())) {
			t.Errorf("carries %s", packed.MessageName())
		}
		walkRaw(t, dir, inner.ProtoReflect())
		return
	}
	switch name := m.Descriptor().Name(); name {
	case "RegexMatchAndSubstitute", "WatchedDirectory", "Pipe", "RemoteDataSource":
		t.Errorf("carries a %s: %v", name, m)
	}
	m.Range(func(f protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch f.Name() {
		case "filename", "suffix_match", "environment_variable", "inline_bytes", "endpoint_id", "text_format":
			t.Errorf("carries %s: %v", f.FullName(), value)
		case "regex":
			ours(t, f, value, patterns)
		case "inline_string":
			if text := value.String(); !strings.HasPrefix(text, "coastwise: ") || strings.Contains(text, "%") { // no answer's body
				ours(t, f, value, formats)
			}
		case "server_listener_name":
			ours(t, f, value, internal)
		case "path":
			if m.Descriptor().Name() == "PathConfigSource" && filepath.Dir(value.String()) != dir {
				t.Errorf("Envoy would read %s", value)
			}
			if m.Descriptor().Name() == "ConfigSource" {
				t.Errorf("Envoy would read %s", value)
			}
		}
		switch {
		case f.Message() == nil:
		case f.IsMap():
			value.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				if f.MapValue().Message() != nil {
					walkRaw(t, dir, v.Message())
				}
				return true
			})
		case f.IsList():
			for i := range value.List().Len() {
				walkRaw(t, dir, value.List().Get(i).Message())
			}
		default:
			walkRaw(t, dir, value.Message())
		}
		return true
	})
}

func ours(t *testing.T, f protoreflect.FieldDescriptor, value protoreflect.Value, known []string) {
	t.Helper()
	if !slices.Contains(known, value.String()) {
		t.Errorf("carries %s: %v", f.FullName(), value)
	}
}

// TestKindsHoldNothingRaw holds that no field of ours takes what its author likes:
// every one is a word, number, switch or length of time, or lists and maps of such.
func TestKindsHoldNothingRaw(t *testing.T) {
	for _, kind := range []reflect.Type{
		reflect.TypeFor[v1alpha1.DestinationRuleSpec](), reflect.TypeFor[v1alpha1.MeshConfigSpec](),
		reflect.TypeFor[v1alpha1.ServiceEntrySpec](), reflect.TypeFor[v1alpha1.WorkloadEntrySpec](),
	} {
		checkPlain(t, kind.Name(), kind)
	}
}

func checkPlain(t *testing.T, at string, ft reflect.Type) {
	t.Helper()
	switch ft.Kind() {
	case reflect.Pointer, reflect.Slice:
		checkPlain(t, at, ft.Elem())
	case reflect.Map:
		checkPlain(t, at, ft.Key())
		checkPlain(t, at, ft.Elem())
	case reflect.Struct:
		for f := range ft.Fields() {
			checkPlain(t, at+"."+f.Name, f.Type)
		}
	case reflect.String, reflect.Bool, reflect.Int32, reflect.Int64, reflect.Float64:
	default: // bytes, any, raw JSON
		t.Errorf("%s holds %s", at, ft)
	}
}
