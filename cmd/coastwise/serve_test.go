package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/coastwise/coastwise/controlplane/xds"
	"github.com/coastwise/coastwise/translate/envoy"
)

// freePort is an address that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// served is a running `coastwise serve`.
type served struct {
	xds, admin string
	stop       func() // waits for its end
}

func startServe(t *testing.T, args ...string) *served {
	t.Helper()
	s := &served{xds: freePort(t), admin: freePort(t)}
	s.run(t, args...)
	return s
}

// run starts the server at its addresses, and waits until it is ready.
func (s *served) run(t *testing.T, args ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan string, 1)
	go func() {
		code, _, stderr := call(ctx, append([]string{"serve", "--xds", s.xds, "--admin", s.admin}, args...)...)
		if code != exitDone {
			stderr = fmt.Sprintf("exit %d\n%s", code, stderr)
		} else {
			stderr = ""
		}
		done <- stderr
	}()
	ended := false
	s.stop = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if failed := <-done; failed != "" {
			t.Error(failed)
		}
	}
	t.Cleanup(func() { s.stop() })
	soon(t, "ready", func() bool {
		r, err := http.Get("http://" + s.admin + "/readyz")
		if err != nil {
			return false
		}
		r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
}

func soon(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// follower is a client that follows the endpoints of one cluster and accepts
// everything.
type follower struct {
	heard  chan string // the first address of each answer
	cancel context.CancelFunc
}

func follow(t *testing.T, s *served, id, cluster string) *follower {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+s.xds, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).DeltaAggregatedResources(ctx)
	if err != nil {
		t.Fatal(err)
	}
	first := &discoveryv3.DeltaDiscoveryRequest{
		Node:    &corev3.Node{Id: id, Locality: &corev3.Locality{Region: "eu", Zone: "eu-1"}},
		TypeUrl: envoy.EndpointType, ResourceNamesSubscribe: []string{cluster},
	}
	if err := stream.Send(first); err != nil {
		t.Fatal(err)
	}
	f := &follower{heard: make(chan string, 100), cancel: cancel}
	go func() {
		for {
			r, err := stream.Recv()
			if err != nil {
				return // the test is over, or the stream
			}
			for _, res := range r.GetResources() {
				var a endpointv3.ClusterLoadAssignment
				if err := res.GetResource().UnmarshalTo(&a); err != nil {
					t.Error(err)
				}
				f.heard <- a.GetEndpoints()[0].GetLbEndpoints()[0].GetEndpoint().GetAddress().GetSocketAddress().GetAddress()
			}
			stream.Send(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: r.TypeUrl, ResponseNonce: r.Nonce})
		}
	}()
	return f
}

func (f *follower) hears(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-f.heard:
		if got != want {
			t.Fatalf("heard of %s, want %s", got, want)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("never heard of %s", want)
	}
}

const cartCluster = "outbound|80||cart.default.svc.cluster.local"

// cart is a Service with one endpoint.
func cart(address string) []byte {
	return []byte(`apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: cart-1, labels: {kubernetes.io/service-name: cart}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints: [{addresses: [` + address + `], zone: eu-1, conditions: {ready: true}}]
`)
}

// mount is a ConfigMap as the kubelet mounts it: its keys are links into ..data,
// which is itself a link, and each new version is a folder of its own to which
// one rename turns ..data.
type mount struct {
	t   *testing.T
	dir string
	n   int
	now string // the folder that ..data is
}

func (m *mount) set(files map[string][]byte) {
	m.t.Helper()
	must := func(err error) {
		m.t.Helper()
		if err != nil {
			m.t.Fatal(err)
		}
	}
	m.n++
	before := m.now
	m.now = fmt.Sprintf("..2026_11_25_14_00_%02d.1", m.n)
	must(os.Mkdir(filepath.Join(m.dir, m.now), 0o755))
	for name, data := range files {
		writeFile(m.t, filepath.Join(m.dir, m.now), name, data)
	}
	must(os.Symlink(m.now, filepath.Join(m.dir, "..data_tmp")))
	must(os.Rename(filepath.Join(m.dir, "..data_tmp"), filepath.Join(m.dir, "..data")))
	for name := range files {
		link := filepath.Join(m.dir, name)
		if _, err := os.Lstat(link); err != nil {
			must(os.Symlink(filepath.Join("..data", name), link))
		}
	}
	if before != "" {
		must(os.RemoveAll(filepath.Join(m.dir, before)))
	}
}

// TestServeMountedConfigMap: a ConfigMap that is mounted as --from, whole or by
// one of its files, may change at any time, and clients have it.
func TestServeMountedConfigMap(t *testing.T) {
	for _, from := range []string{"", "mesh.yaml"} {
		t.Run("from "+from, func(t *testing.T) {
			m := &mount{t: t, dir: t.TempDir()}
			m.set(map[string][]byte{"mesh.yaml": cart("10.0.0.1")})
			s := startServe(t, "--from", filepath.Join(m.dir, from))
			client := follow(t, s, "default/client-0", cartCluster)
			client.hears(t, "10.0.0.1")
			for _, address := range []string{"10.0.0.2", "10.0.0.3"} {
				m.set(map[string][]byte{"mesh.yaml": cart(address), "notes.txt": nil})
				client.hears(t, address)
			}
		})
	}
}

func TestProxies(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "cart.yaml", cart("10.0.0.1"))
	s := startServe(t, "-f", dir)
	list := func(args ...string) string {
		t.Helper()
		code, stdout, stderr := call(t.Context(), append([]string{"proxies", "--server", s.admin}, args...)...)
		if code != exitDone {
			t.Fatalf("exit %d: %s", code, stderr)
		}
		return stdout
	}
	if got := list(); got != "no proxies\n" {
		t.Errorf("of nobody:\n%s", got)
	}
	if got := list("--no-headers"); got != "" {
		t.Errorf("of nobody, without titles:\n%s", got)
	}
	if got := list("-o", "json"); got != "[]\n" {
		t.Errorf("of nobody, JSON:\n%s", got)
	}
	follow(t, s, "default/b", cartCluster).hears(t, "10.0.0.1")
	follow(t, s, "shop/a", cartCluster).hears(t, "10.0.0.1")
	soon(t, "both are synced", func() bool { return strings.Count(list(), "  synced  ") == 2 })
	rows := strings.Split(strings.TrimSpace(list()), "\n")
	if want := "PROXY KIND LOCALITY STATE REFUSED PROBLEMS BYTES CONNECTED PEER NOTE"; oneBlank(rows[0]) != want {
		t.Errorf("titles %q", rows[0])
	}
	for i, id := range []string{"default/b", "shop/a"} {
		if want := id + " sidecar eu/eu-1 synced 0 0 "; !strings.HasPrefix(oneBlank(rows[i+1]), want) {
			t.Errorf("%q, want %q", rows[i+1], want)
		}
	}
	if got := list("--no-headers"); strings.Contains(got, "PROXY") || strings.Count(got, "\n") != 2 {
		t.Errorf("without titles:\n%s", got)
	}
	var infos []xds.ProxyInfo
	if err := json.Unmarshal([]byte(list("-o", "json")), &infos); err != nil {
		t.Fatal(err)
	}
	if len(infos) != 2 || infos[0].ID != "default/b" || infos[0].Types[0].Acked != 1 || !strings.HasPrefix(infos[0].Peer, "127.0.0.1:") {
		t.Errorf("%+v", infos)
	}
	follow(t, s, "shop/a", cartCluster).hears(t, "10.0.0.1")
	if got := list(); strings.Count(got, "two live streams have this id") != 2 {
		t.Errorf("an id given twice:\n%s", got)
	}
}

// TestProxiesOfSomebodyElse: what answers there is no server of ours.
func TestProxiesOfSomebodyElse(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "cart.yaml", cart("10.0.0.1"))
	s := startServe(t, "-f", dir)
	code, _, stderr := call(t.Context(), "proxies", "--server", s.xds)
	if code == exitDone || !strings.Contains(stderr, s.xds) {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
