package ztunnel

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/authority"
	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/envoyproc"
)

// rotated is how long a certificate may take from its rename to the next handshake.
const rotated = 15 * time.Second

// sdsScene is a client, an Envoy that ends HBONE and begins it again by testdata/sds.yaml,
// and a pod, all with certificates of one authority.
type sdsScene struct {
	ca        *authority.Authority
	discovery *discovery
	envoy     *envoyproc.Envoy
	// file is testdata/sds.yaml, own the folder of Envoy's certificate.
	file []byte
	own  Credential
	pod  *Server
	here string
}

func newSDSScene(t *testing.T) *sdsScene {
	t.Helper()
	b := newBlock(t)
	s := &sdsScene{ca: authority.ForTest(t), here: b.Address(1, 1)}
	s.own = Issue(t, s.ca, authority.Member("infra", "waypoint"))
	s.pod = &Server{
		Address: b.Address(2, 1) + ":15008", Credential: Issue(t, s.ca, authority.Member("default", "db")),
		Services: map[string]string{"db.default.svc.cluster.local:9000": echo(t, b.Address(2, 1)+":9000")},
	}
	if err := s.pod.Listen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.pod.Close)
	names := map[string]any{"bind": s.here, "pod": b.Address(2, 1), "dir": string(s.own)}
	s.file = filled(t, "sds.yaml", names)
	s.discovery = newDiscovery(t, s.here)
	s.envoy = startEnvoy(t, s.here, filled(t, "bootstrap.yaml", names))
	return s
}

// client is a new one, with a certificate of its own, that trusts the scene.
func (s *sdsScene) client(t *testing.T, ca *authority.Authority, i authority.Identity) *HBONE {
	h := (&HBONE{Credential: Issue(t, ca, i, s.ca), Peer: s.here + ":15008"}).Open()
	t.Cleanup(h.Close)
	return h
}

// echo answers every line at an address, which it returns.
func echo(t *testing.T, address string) string {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				io.Copy(conn, conn)
			}()
		}
	}()
	return l.Addr().String()
}

// echoed is what is wrong with one new tunnel; "" for nothing.
func echoed(h *HBONE, authority string) string {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := h.DialContext(ctx, "tcp", authority)
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprintln(conn, "hello")
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || line != "hello\n" {
		return fmt.Sprintf("%q, %v", line, err)
	}
	return ""
}

// state is that of a cluster or a listener in Envoy: "active", "warming" or "".
func (s *sdsScene) state(t *testing.T, name string) string {
	t.Helper()
	dump, err := s.envoy.Get(t.Context(), "/config_dump")
	if err != nil {
		t.Fatal(err)
	}
	var page struct {
		Configs []struct {
			Active    []held `json:"dynamic_active_clusters"`
			Warming   []held `json:"dynamic_warming_clusters"`
			Listeners []struct {
				Name    string          `json:"name"`
				Active  json.RawMessage `json:"active_state"`
				Warming json.RawMessage `json:"warming_state"`
			} `json:"dynamic_listeners"`
		} `json:"configs"`
	}
	if err := json.Unmarshal(dump, &page); err != nil {
		t.Fatal(err)
	}
	named := func(h held) bool { return h.Cluster.Name == name }
	for _, c := range page.Configs {
		for _, l := range c.Listeners {
			if l.Name == name && l.Active != nil {
				return "active"
			} else if l.Name == name && l.Warming != nil {
				return "warming"
			}
		}
		if slices.ContainsFunc(c.Active, named) {
			return "active"
		} else if slices.ContainsFunc(c.Warming, named) {
			return "warming"
		}
	}
	return ""
}

// held is a cluster on Envoy's page.
type held struct {
	Cluster struct {
		Name string `json:"name"`
	} `json:"cluster"`
}

// awaitState waits for a state.
func (s *sdsScene) awaitState(t *testing.T, name, want string) {
	t.Helper()
	await.Until(t, patience, func() string {
		if got := s.state(t, name); got != want {
			return fmt.Sprintf("%s is %q, not %q", name, got, want)
		}
		return ""
	})
}

// wants is what Envoy subscribes to of secrets; they are two.
func (s *sdsScene) wants() []string {
	asked, _ := s.discovery.said()
	return slices.DeleteFunc(asked, func(what string) bool { return !strings.HasPrefix(what, "Secret ") })
}

// awaitWants waits until Envoy has asked for both secrets, each once.
func (s *sdsScene) awaitWants(t *testing.T) {
	t.Helper()
	await.Until(t, patience, func() string {
		if asked := s.wants(); !slices.Equal(asked, []string{"Secret ROOTCA", "Secret default"}) {
			return fmt.Sprintf("asked for %q", asked)
		}
		return ""
	})
}

// finish holds at the end: everything works, nothing was refused, nothing was asked twice.
func (s *sdsScene) finish(t *testing.T) {
	t.Helper()
	h := s.client(t, s.ca, authority.Member("default", "client"))
	await.Until(t, patience, func() string { return echoed(h, "10.96.0.20:9000") })
	if _, refusals := s.discovery.said(); len(refusals) > 0 {
		t.Errorf("Envoy refused: %q", refusals)
	}
	s.awaitWants(t)
}

// TestClustersWaitForSecretsByADS: a cluster is answered before its secrets. It asks for
// them by the same stream and warms until they come; listeners are asked for after that.
func TestClustersWaitForSecretsByADS(t *testing.T) {
	s := newSDSScene(t)
	s.discovery.serve(s.file, "clusters", "listeners")
	s.awaitWants(t)
	s.awaitState(t, "pod", "warming")
	time.Sleep(time.Second)
	if pod, l := s.state(t, "pod"), s.state(t, "connect_terminate"); pod != "warming" || l != "" {
		t.Errorf("without secrets the cluster is %q and the listener %q", pod, l)
	}
	s.discovery.serve(s.file, "secrets")
	s.awaitState(t, "pod", "active")
	s.awaitState(t, "connect_terminate", "active")
	s.finish(t)
}

// TestListenersWaitForSecretsByADS: the same for a listener that comes first; a cluster
// that comes later and names the same secrets needs no further answer.
func TestListenersWaitForSecretsByADS(t *testing.T) {
	s := newSDSScene(t)
	s.discovery.serve(s.file, "listeners")
	s.awaitWants(t)
	s.awaitState(t, "connect_terminate", "warming")
	time.Sleep(time.Second)
	if got := s.state(t, "connect_terminate"); got != "warming" {
		t.Errorf("without secrets the listener is %q", got)
	}
	s.discovery.serve(s.file, "secrets")
	s.awaitState(t, "connect_terminate", "active")
	s.discovery.serve(s.file, "clusters")
	s.awaitState(t, "pod", "active")
	s.finish(t)
}

// TestSecretsThatNameFilesRotate: what is renamed in is shown and asked for in the next
// handshake, on both sides of Envoy, while the control plane says nothing.
func TestSecretsThatNameFilesRotate(t *testing.T) {
	s := newSDSScene(t)
	s.discovery.serve(s.file, "secrets", "clusters", "listeners")
	other := authority.ForTest(t)
	stranger := s.client(t, other, authority.Member("default", "client"))
	s.finish(t)
	if wrong := echoed(stranger, "10.96.0.20:9000"); wrong == "" {
		t.Error("a client of another authority is let in")
	}
	moved := authority.Member("infra", "moved")
	if err := s.ca.WriteIdentity(string(s.own), moved, other); err != nil {
		t.Fatal(err)
	}
	h := s.client(t, s.ca, authority.Member("default", "client"))
	h.Expect = moved.String()
	began := time.Now()
	await.Until(t, rotated, func() string { return echoed(h, "10.96.0.20:9000") })
	t.Logf("the listener's certificate after %v", time.Since(began))
	if err := other.WriteIdentity(string(stranger.Credential), authority.Member("default", "client"), s.ca); err != nil {
		t.Fatal(err)
	}
	await.Until(t, rotated, func() string { return echoed(stranger, "10.96.0.20:9000") })
	s.pod.Close() // with it goes the connection whose handshake was before
	if err := s.pod.Listen(); err != nil {
		t.Fatal(err)
	}
	await.Until(t, rotated, func() string { return echoed(h, "10.96.0.20:9000") })
	if peers := s.pod.Seen().Peers; peers[moved.String()] == 0 {
		t.Errorf("the pod saw only %v", peers)
	}
	s.finish(t)
}

// TestFilesThatComeLater: a secret that names files that are not there is refused, and
// what waits for it goes on without, as if it had failed to come: no connection is made.
// The files alone do not heal that, since Envoy watches nothing for a secret that it has
// refused. The secret has to be sent again.
func TestFilesThatComeLater(t *testing.T) {
	s := newSDSScene(t)
	for _, f := range []string{authority.ChainFile, authority.KeyFile, authority.BundleFile} {
		if err := os.Remove(filepath.Join(string(s.own), f)); err != nil {
			t.Fatal(err)
		}
	}
	s.discovery.serve(s.file, "secrets", "clusters", "listeners")
	s.awaitWants(t)
	s.awaitState(t, "pod", "active")
	s.awaitState(t, "connect_terminate", "active")
	if _, refusals := s.discovery.said(); len(refusals) != 1 || !strings.Contains(refusals[0], "Invalid path") {
		t.Errorf("Envoy refused: %q", refusals)
	}
	if err := s.ca.WriteIdentity(string(s.own), authority.Member("infra", "waypoint")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	h := s.client(t, s.ca, authority.Member("default", "client"))
	if wrong := echoed(h, "10.96.0.20:9000"); wrong == "" {
		t.Error("Envoy found the files by itself: doc.go is out of date")
	}
	s.discovery.serve(bytes.ReplaceAll(s.file, []byte("/cert.pem"), []byte("/./cert.pem")), "secrets")
	s.discovery.serve(bytes.ReplaceAll(s.file, []byte("/ca.pem"), []byte("/./ca.pem")), "secrets")
	await.Until(t, rotated, func() string { return echoed(h, "10.96.0.20:9000") })
}
