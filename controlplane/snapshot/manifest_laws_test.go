package snapshot

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"
	"google.golang.org/protobuf/reflect/protoreflect"
	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/admit"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// tlsDir is where admission finds every credential.
const tlsDir = "/tls"

// manifest is one document as admission read it.
type manifest struct {
	text    string
	result  admit.Result
	refused bool
}

// readManifests admits documents; of one object the first counts, as with files.
func readManifests(docs []string) []manifest {
	options := admit.Options{Credential: func([]string) (string, error) { return tlsDir, nil }}
	var out []manifest
	seen := map[model.ObjectRef]bool{}
	for _, doc := range docs {
		result, problems := options.Object([]byte(doc))
		if result.Ref.Kind == "" || result.Foreign || seen[result.Ref] {
			continue
		}
		seen[result.Ref] = true
		refused := slices.ContainsFunc(problems, func(p model.Problem) bool { return p.Severity == model.Error })
		out = append(out, manifest{doc, result, refused})
	}
	return out
}

// sight is what clients see: client, type and name → resource.
type sight struct {
	client    model.Proxy
	typeURL   string
	name      string
	body      []byte
	endpoints *endpointv3.ClusterLoadAssignment // those that it is or holds
}

func (s sight) key() string { return s.client.ID + " " + s.typeURL + " " + s.name }

// see translates manifests for clients, through store, ingest and Build.
func see(t rapid.TB, ms []manifest, clients []model.Proxy) (map[string]sight, *Hub) {
	st := store.New()
	h := New(st, 0, slog.New(slog.NewTextHandler(io.Discard, nil)))
	for _, m := range ms {
		st.Apply([]store.Change{{Ref: m.result.Ref, Object: m.result.Object, Fence: m.result.Fence}})
	}
	h.Publish(time.Time{})
	out := map[string]sight{}
	for _, c := range clients {
		member, err := h.Join(c)
		if err != nil {
			t.Fatalf("%s: %v", c.ID, err)
		}
		member.WatchAll(true)
		view := member.Take().View
		put := func(typeURL, name string) {
			r := view.Get(typeURL, name)
			if r == nil {
				return
			}
			if err := envoy.ValidateFor(member.Proxy().Form(), *r); err != nil {
				t.Errorf("%s: %v", c.ID, err)
			}
			s := sight{client: member.Proxy(), typeURL: typeURL, name: name, body: r.Body}
			s.endpoints = s.harmless(t)
			out[s.key()] = s
		}
		for _, name := range view.Names(envoy.ClusterType) {
			put(envoy.ClusterType, name)
			put(envoy.EndpointType, name)
		}
		for _, name := range view.Names(envoy.ListenerType) {
			put(envoy.ListenerType, name)
			for _, routes := range routesOf(view.Get(envoy.ListenerType, name)) {
				put(envoy.RouteType, routes)
			}
		}
	}
	for _, p := range h.Problems() {
		if p.Reason == model.BuildFailed {
			t.Errorf("%+v", p)
		}
	}
	return out, h
}

// harmless says that a resource holds no regular expression but in routes, where it is
// RE2 and small; no raw extension from a user, and no file outside tlsDir.
func (s sight) harmless(t rapid.TB) *endpointv3.ClusterLoadAssignment {
	m := map[string]interface {
		proto.Message
		ValidateAll() error
	}{
		envoy.ClusterType: new(clusterv3.Cluster), envoy.EndpointType: new(endpointv3.ClusterLoadAssignment),
		envoy.ListenerType: new(listenerv3.Listener), envoy.RouteType: new(routev3.RouteConfiguration),
	}[s.typeURL]
	if err := proto.Unmarshal(s.body, m); err != nil {
		t.Fatalf("%s: %v", s.key(), err)
	}
	if err := m.ValidateAll(); err != nil {
		t.Errorf("%s: %v", s.key(), err)
	}
	err := protorange.Range(m.ProtoReflect(), func(p protopath.Values) error {
		step := p.Path.Index(-1)
		if step.Kind() != protopath.FieldAccessStep {
			return nil
		}
		f, value := step.FieldDescriptor(), p.Values[len(p.Values)-1]
		switch {
		case f.FullName() == "envoy.type.matcher.v3.RegexMatcher.regex" && s.typeURL == envoy.RouteType:
			if err := model.CheckRegex(value.String()); err != nil {
				t.Errorf("%s: %s: %v", s.key(), p.Path, err)
			}
		case strings.Contains(strings.ToLower(string(f.Name())), "regex") && s.typeURL != envoy.RouteType:
			t.Errorf("%s: %s", s.key(), p.Path)
		case f.Kind() != protoreflect.StringKind || f.IsList() || f.IsMap():
		case f.Name() == "filename" || f.Name() == "environment_variable" || f.Name() == "watched_directory" ||
			f.FullName() == "envoy.config.core.v3.PathConfigSource.path" || f.FullName() == "envoy.config.core.v3.Pipe.path":
			if file := value.String(); !strings.HasPrefix(file, tlsDir+"/") || strings.Contains(file, "..") {
				t.Errorf("%s: %s is %q", s.key(), p.Path, file)
			}
		}
		return nil
	})
	if err != nil {
		t.Errorf("%s: %v", s.key(), err)
	}
	if c, ok := m.(*clusterv3.Cluster); ok {
		return c.LoadAssignment // nil unless DNS resolves it
	}
	cla, _ := m.(*endpointv3.ClusterLoadAssignment)
	return cla
}

// checkManifests holds every law against documents and clients; pick chooses among
// the refused, order among the orders.
func checkManifests(t rapid.TB, docs []string, clients []model.Proxy, pick func(n int) int) {
	ms := readManifests(docs)
	all, h := see(t, ms, clients)
	checkAssignments(t, h, all)
	checkFences(t, ms, all)

	shuffled := slices.Clone(ms)
	for i := range shuffled {
		j := i + pick(len(shuffled)-i)
		shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
	}
	again, _ := see(t, shuffled, clients)
	sameBytes(t, "in another order", all, again, nil)

	var refused []int
	for i, m := range ms {
		if m.refused && (m.result.Fence == nil || m.result.Fence.Host != "") {
			refused = append(refused, i)
		}
	}
	if len(refused) == 0 {
		return
	}
	gone := refused[pick(len(refused))]
	without, _ := see(t, slices.Delete(slices.Clone(ms), gone, gone+1), clients)
	sameBytes(t, "without the refused "+ms[gone].result.Ref.String(), all, without, func(host string) bool {
		f := ms[gone].result.Fence
		return f != nil && oracleMatches(f.Object.Namespace, f.Host, host)
	})
}

// sameBytes compares all but the clusters of hosts that may differ.
func sameBytes(t rapid.TB, what string, a, b map[string]sight, may func(host string) bool) {
	keys := maps.Clone(a)
	maps.Copy(keys, b)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		_, _, host, ok := envoy.ParseClusterName(keys[key].name)
		if ok && may != nil && may(host) {
			continue
		}
		if string(a[key].body) != string(b[key].body) {
			t.Errorf("%s, %s differs:\n%q\n%q", what, key, a[key].body, b[key].body)
		}
	}
}

// checkAssignments: priorities are dense from 0, and shares of distribute exact.
func checkAssignments(t rapid.TB, h *Hub, all map[string]sight) {
	for _, key := range slices.Sorted(maps.Keys(all)) {
		s := all[key]
		if s.endpoints == nil {
			continue
		}
		priorities := map[uint32]bool{}
		for _, g := range s.endpoints.GetEndpoints() {
			priorities[g.GetPriority()] = true
			if len(g.GetLbEndpoints()) == 0 {
				t.Errorf("%s: an empty group", key)
			}
		}
		for p := range uint32(len(priorities)) {
			if !priorities[p] {
				t.Errorf("%s: no priority %d of %d", key, p, len(priorities))
			}
		}
		if err := oracleShares(h, s); err != "" {
			t.Errorf("%s: %s", key, err)
		}
	}
}

func drawClients(t *rapid.T, draw func(*rapid.T, string) model.Proxy) []model.Proxy {
	var out []model.Proxy
	for i := range rapid.IntRange(1, 3).Draw(t, "clients") {
		out = append(out, draw(t, fmt.Sprint("c", i)))
	}
	return out
}

// TestManifestsKeepTheLaws is the property that FuzzManifests searches on.
func TestManifestsKeepTheLaws(t *testing.T) { seldom(t, 50, manifestsKeepTheLaws) }
