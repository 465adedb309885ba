package controlplane

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/coastwise/coastwise/controlplane/xds"
	"github.com/coastwise/coastwise/translate/envoy"
)

// running is a server that a test started.
type running struct {
	Config
	stop func() error
}

// start runs a server on free ports until the test ends.
func start(t *testing.T, c Config) *running {
	t.Helper()
	c.XDS, c.Admin, c.Log = freeAddress(t), freeAddress(t), quiet()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, c) }()
	r := &running{Config: c, stop: sync.OnceValue(func() error { cancel(); return <-done })}
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
	get(t, "http://"+c.Admin+"/readyz", 200)
	return r
}

// proxies is what /proxies says.
func (r *running) proxies(t *testing.T, query string) []ReplicaProxy {
	t.Helper()
	var out []ReplicaProxy
	if err := json.Unmarshal([]byte(get(t, "http://"+r.Admin+"/proxies"+query, 200)), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// wildcard is a delta client of everything, with what it holds by type and name.
type wildcard struct {
	id   string
	mu   sync.Mutex
	held map[string]map[string]*discoveryv3.Resource
	err  chan error // how its stream ended
}

func newWildcard(id string) *wildcard {
	return &wildcard{id: id, held: map[string]map[string]*discoveryv3.Resource{}}
}

// connect opens a stream to a server, tells what is held, and waits until the server
// says that it is in step.
func (w *wildcard) connect(t *testing.T, r *running) (leave func()) {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+r.XDS, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).DeltaAggregatedResources(ctx)
	if err != nil {
		t.Fatal(err)
	}
	metadata, err := structpb.NewStruct(map[string]any{"coastwise": map[string]any{"httpProxyPort": 15080}})
	if err != nil {
		t.Fatal(err)
	}
	node := &corev3.Node{Id: w.id, Locality: &corev3.Locality{Region: "eu", Zone: "eu-1"}, Metadata: metadata}
	stream.Send(w.ask(node, envoy.ClusterType, "*"))
	stream.Send(w.ask(nil, envoy.ListenerType, "*"))
	stream.Send(w.ask(nil, envoy.RouteType, envoy.RouteName))
	if names := w.names(envoy.ClusterType); len(names) > 0 {
		stream.Send(w.ask(nil, envoy.EndpointType, names...))
	}
	w.err = make(chan error, 1)
	go func() { w.err <- w.listen(stream) }()
	leave = sync.OnceFunc(func() { cancel(); conn.Close() })
	t.Cleanup(leave)
	for deadline := time.Now().Add(20 * time.Second); !w.settled(r.proxies(t, "")); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s is not in step: %+v", w.id, r.proxies(t, ""))
		}
	}
	return leave
}

func (w *wildcard) settled(list []ReplicaProxy) bool {
	at := slices.IndexFunc(list, func(p ReplicaProxy) bool { return p.ID == w.id })
	return at >= 0 && len(list[at].Types) == 4 && !slices.ContainsFunc(list[at].Types, func(t xds.TypeInfo) bool { return !t.Synced || t.Acked == 0 })
}

func (w *wildcard) ask(node *corev3.Node, url string, names ...string) *discoveryv3.DeltaDiscoveryRequest {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := &discoveryv3.DeltaDiscoveryRequest{Node: node, TypeUrl: url, ResourceNamesSubscribe: names, InitialResourceVersions: map[string]string{}}
	for name, res := range w.held[url] {
		r.InitialResourceVersions[name] = res.Version
	}
	return r
}

func (w *wildcard) names(url string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.held[url]))
}

// listen takes and accepts everything, and follows the endpoints of new clusters.
func (w *wildcard) listen(stream discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResourcesClient) error {
	for {
		r, err := stream.Recv()
		if err != nil {
			return err
		}
		var added []string
		w.mu.Lock()
		if w.held[r.TypeUrl] == nil {
			w.held[r.TypeUrl] = map[string]*discoveryv3.Resource{}
		}
		for _, res := range r.Resources {
			if w.held[r.TypeUrl][res.Name] == nil {
				added = append(added, res.Name)
			}
			w.held[r.TypeUrl][res.Name] = res
		}
		w.mu.Unlock()
		stream.Send(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: r.TypeUrl, ResponseNonce: r.Nonce})
		if r.TypeUrl == envoy.ClusterType && len(added) > 0 {
			stream.Send(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: envoy.EndpointType, ResourceNamesSubscribe: added})
		}
	}
}

// versions are all that it holds, with their bytes.
func (w *wildcard) versions() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for url, of := range w.held {
		for name, r := range of {
			out = append(out, fmt.Sprintf("%s %s %s %x", xds.ShortType(url), name, r.Version, r.Resource.GetValue()))
		}
	}
	slices.Sort(out)
	return out
}

// samples are the objects of a mesh, each a document.
func samples(t *testing.T) []string {
	t.Helper()
	var out []string
	paths, err := filepath.Glob("../samples/istio/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.Split(string(text), "\n---\n")...)
	}
	return out
}

// folder writes documents into a folder, some in one file, in their order.
func folder(t *testing.T, documents []string, perFile int) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(documents); i += perFile {
		text := strings.Join(documents[i:min(i+perFile, len(documents))], "\n---\n")
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("f%02d.yaml", i)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestReplicasAgree: the same objects, in whatever order and files, give the same
// versions and bytes on every replica; a proxy that moves from one that it is in step
// with to another is sent no bodies.
func TestReplicasAgree(t *testing.T) {
	documents := samples(t)
	shuffled := slices.Clone(documents)
	random := rand.New(rand.NewPCG(1, 2))
	random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	dir := folder(t, documents, 3)
	first := start(t, Config{From: []string{dir}})
	mover := newWildcard("default/mover")
	leave := mover.connect(t, first)
	want := mover.versions()
	if len(want) < 9 {
		t.Fatalf("only %d resources", len(want))
	}
	leave()
	for name, dir := range map[string]string{"one folder": dir, "shuffled": folder(t, shuffled, 2)} {
		t.Run(name, func(t *testing.T) {
			replica := start(t, Config{From: []string{dir}})
			other := newWildcard("default/mover")
			leave := other.connect(t, replica)
			if diff := cmp.Diff(want, other.versions()); diff != "" {
				t.Fatalf("-one +the other:\n%s", diff)
			}
			leave()
			for len(replica.proxies(t, "")) > 0 {
				time.Sleep(10 * time.Millisecond)
			}
			leave = mover.connect(t, replica)
			defer leave()
			for _, of := range replica.proxies(t, "")[0].Types {
				if of.Bytes != 0 || of.Acked == 0 {
					t.Errorf("after the move: %+v", of)
				}
			}
		})
	}
}
