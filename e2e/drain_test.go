package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"sigs.k8s.io/yaml"

	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/traffic"
)

// proxyLine is what is read of a line of /proxies.
type proxyLine struct {
	ID        string    `json:"id"`
	Connected time.Time `json:"connected"`
	Types     []struct {
		Type   string `json:"type"`
		Bytes  int    `json:"bytes"`
		Synced bool   `json:"synced"`
	} `json:"types"`
}

// settled says that the proxy is in step with what it asked for: the four types.
func (p proxyLine) settled() bool {
	for _, t := range p.Types {
		if !t.Synced {
			return false
		}
	}
	return len(p.Types) == 4
}

// bytes are those of all bodies that it was sent on its stream.
func (p proxyLine) bytes() int {
	sum := 0
	for _, t := range p.Types {
		sum += t.Bytes
	}
	return sum
}

// connected are the proxies of one server.
func connected(server *coastwise.Server) ([]proxyLine, error) {
	resp, err := http.Get("http://" + server.Admin + "/proxies")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var out []proxyLine
	return out, json.NewDecoder(resp.Body).Decode(&out)
}

// replica starts the n-th of several servers of the scene's folder, again at the same
// address after it has ended.
func (s *scene) replica(n int) *coastwise.Server {
	s.t.Helper()
	home := s.block.Address(1, 6+n)
	server, err := built.coastwise.Start(coastwise.Serve{
		From: []string{string(s.folder)}, TLSDirs: []string{s.secrets},
		XDS: fmt.Sprintf("%s:%d", home, s.ports.XDS), Admin: fmt.Sprintf("%s:%d", home, s.ports.Admin),
		Args: []string{"--drain-delay", "500ms", "--drain-time", "2s"},
		Log:  filepath.Join(s.logs, fmt.Sprintf("replica-%d.log", n)),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { server.Stop(3 * time.Second) })
	if err := server.WaitReady(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	return server
}

// withAddresses puts all servers behind the one name that an Envoy's bootstrap has
// for them, as a Service does.
func (s *scene) withAddresses(servers []*coastwise.Server) func([]byte) []byte {
	return func(text []byte) []byte {
		s.t.Helper()
		text, err := yaml.YAMLToJSON(text)
		if err != nil {
			s.t.Fatal(err)
		}
		b := new(bootstrapv3.Bootstrap)
		if err := protojson.Unmarshal(text, b); err != nil {
			s.t.Fatal(err)
		}
		group := b.StaticResources.Clusters[0].LoadAssignment.Endpoints[0]
		first := group.LbEndpoints[0]
		group.LbEndpoints = nil
		for n := range servers {
			e := proto.Clone(first).(*endpointv3.LbEndpoint)
			e.GetEndpoint().Address.GetSocketAddress().Address = s.block.Address(1, 6+n)
			group.LbEndpoints = append(group.LbEndpoints, e)
		}
		if text, err = protojson.Marshal(b); err != nil {
			s.t.Fatal(err)
		}
		return text
	}
}

// all waits until these proxies and no others are connected to a server, and settled.
func (s *scene) all(server *coastwise.Server, ids ...string) []proxyLine {
	s.t.Helper()
	var list []proxyLine
	await.Until(s.t, patience, func() string {
		var err error
		if list, err = connected(server); err != nil {
			return err.Error()
		}
		var there []string
		for _, p := range list {
			if !p.settled() {
				return p.ID + " is not settled"
			}
			there = append(there, p.ID)
		}
		if !slices.Equal(there, ids) {
			return fmt.Sprintf("%v are connected, not %v", there, ids)
		}
		return ""
	})
	return list
}

// TestRollingRestart: two replicas are restarted one after the other while Envoys carry
// traffic. No request fails; every Envoy is told to go before its stream ends, at another
// time than the others, and is sent no bodies where it goes; and a change made after
// it all arrives.
func TestRollingRestart(t *testing.T) {
	const envoys = 4
	s := newScene(t, map[string]string{"nodes.yaml": nodes()})
	s.backend(0, 0)
	s.backend(1, 0)
	s.backend(1, 1)
	s.write("a.yaml", s.predictCase("a", [3]layoutOf{{1, 0}, {2, 0}, {0, 0}}, "", "", false))
	s.server.Stop(3 * time.Second)
	servers := []*coastwise.Server{s.replica(0), s.replica(1)}
	s.server, s.edit = servers[0], s.withAddresses(servers)
	var clients []*client
	var ids []string
	var generators []*traffic.Generator
	var phases []*traffic.Phase
	for range envoys {
		c := s.envoy(coastwise.Client{Locality: "eu/eu-1"})
		c.converge(c.predicted("a.default:80"))
		clients, ids = append(clients, c), append(ids, "default/"+c.flags.ID)
		g := traffic.Start(c.flags.Proxy(), "a.default", 2, 100)
		t.Cleanup(g.Stop)
		generators, phases = append(generators, g), append(phases, g.Begin(100))
	}
	for round, leaving := range []int{0, 1, 0} {
		staying := servers[1-leaving]
		before, err := connected(staying)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		servers[leaving].Signal(syscall.SIGTERM)
		stays := map[string]time.Time{}
		for _, p := range before {
			stays[p.ID] = p.Connected
		}
		var came []time.Time
		for _, p := range s.all(staying, ids...) {
			if at, there := stays[p.ID]; there && at.Equal(p.Connected) {
				continue
			}
			came = append(came, p.Connected)
			if n := p.bytes(); n != 0 {
				t.Errorf("round %d: %s was sent %d bytes where it came to", round, p.ID, n)
			}
		}
		t.Logf("round %d: of %d proxies %d came, the last %v after the signal", round, envoys, len(came), time.Since(began))
		if round > 0 && len(came) != envoys {
			t.Errorf("round %d: %d of %d proxies came", round, len(came), envoys)
		}
		slices.SortFunc(came, time.Time.Compare)
		if n := len(came); n > 2 && came[n-1].Sub(came[0]) < time.Second {
			t.Errorf("round %d: all came within %v", round, came[n-1].Sub(came[0]))
		}
		select {
		case <-servers[leaving].Done():
		case <-time.After(patience):
			t.Fatal("it does not end")
		}
		if err := servers[leaving].Err(); err != nil {
			t.Error(err)
		}
		servers[leaving] = s.replica(leaving)
	}
	s.write("a.yaml", s.predictCase("a", [3]layoutOf{{0, 0}, {2, 0}, {0, 0}}, "", "", false))
	for i, c := range clients {
		c.converge(c.predicted("a.default:80"))
		unfailed(t, generators[i], phases[i])
		told, err := strconv.Atoi(c.figure(t, "cluster.xds_cluster.upstream_cx_close_notify"))
		if err != nil || told < 2 {
			t.Errorf("%s: %d GOAWAYs, %v", c.flags.ID, told, err)
		}
		if cut := c.figure(t, "cluster.xds_cluster.upstream_cx_destroy_remote_with_active_rq"); cut != "0" {
			t.Errorf("%s: %s connections were cut under a stream", c.flags.ID, cut)
		}
	}
}
