package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/proc"
)

// grpcClient is one process with one grpc-go channel.
type grpcClient struct {
	*proc.Process
	scene   *scene
	flags   coastwise.Client
	in      io.Writer
	answers *bufio.Reader
}

// grpcTally is what the client prints.
type grpcTally struct {
	Requests  int            `json:"requests"`
	Failures  map[string]int `json:"failures"`
	Endpoints map[string]int `json:"endpoints"`
	Zones     map[string]int `json:"zones"`
}

// grpc starts a client of a target; more are flags of its own.
func (s *scene) grpc(flags coastwise.Client, target string, more ...string) *grpcClient {
	s.t.Helper()
	return s.grpcBy(flags, exec.Command(built.grpc, append([]string{"--target", target}, more...)...))
}

// grpcBy starts a client that does as grpcclient does, in whatever language.
func (s *scene) grpcBy(flags coastwise.Client, cmd *exec.Cmd) *grpcClient {
	s.t.Helper()
	flags.Kind, flags.ID = "grpc", fmt.Sprintf("grpc-%d", s.envoys)
	s.envoys++
	bootstrap, err := built.coastwise.Bootstrap(s.t.Context(), flags, s.server.XDS)
	if err != nil {
		s.t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(s.logs, flags.ID+".log"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	cmd.Env = append(cmd.Environ(), "GRPC_XDS_BOOTSTRAP_CONFIG="+string(bootstrap), "GRPC_GO_LOG_SEVERITY_LEVEL=warning")
	cmd.Stderr = log
	in, err := cmd.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	p, err := proc.Start("grpcclient", cmd)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(p.Kill)
	return &grpcClient{Process: p, scene: s, flags: flags, in: in, answers: bufio.NewReader(out)}
}

// send sends n requests on the channel.
func (c *grpcClient) send(n int) grpcTally {
	c.scene.t.Helper()
	if _, err := fmt.Fprintln(c.in, n); err != nil {
		c.scene.t.Fatal(err)
	}
	line, err := c.answers.ReadBytes('\n')
	if err != nil {
		c.scene.t.Fatalf("%v %v", err, c.Err())
	}
	var t grpcTally
	if err := json.Unmarshal(line, &t); err != nil {
		c.scene.t.Fatal(err)
	}
	return t
}

// unfailing sends n requests and fails the test if one fails.
func (c *grpcClient) unfailing(n int) grpcTally {
	c.scene.t.Helper()
	t := c.send(n)
	for _, what := range slices.Sorted(maps.Keys(t.Failures)) {
		c.scene.t.Errorf("%d of %d requests failed: %s", t.Failures[what], n, what)
	}
	return t
}

// predicted is what translate says of one service for this client.
func (c *grpcClient) predicted(service string) coastwise.Cluster {
	c.scene.t.Helper()
	return (&client{scene: c.scene, flags: c.flags}).predicted(service)
}

// settles waits until the endpoints that answer are those with a share in the
// prediction, and returns it.
func (c *grpcClient) settles(service string) coastwise.Cluster {
	c.scene.t.Helper()
	cluster := c.predicted(service)
	want := map[string]bool{}
	for address, share := range cluster.Shares() {
		if share > 0.5 {
			want[address] = true
		}
	}
	await.Until(c.scene.t, patience, func() string {
		got := c.unfailing(400).Endpoints
		for address := range want {
			if got[address] == 0 {
				return address + " does not answer"
			}
		}
		for address := range got {
			if cluster.Shares()[address] == 0 {
				return address + " still answers"
			}
		}
		return ""
	})
	return cluster
}

// gives holds the shares of many requests against the prediction.
func (c *grpcClient) gives(service string) grpcTally {
	c.scene.t.Helper()
	cluster := c.settles(service)
	tally := c.unfailing(requests)
	compare(c.scene.t, cluster.Shares(), tally.Endpoints, tally.Requests)
	return tally
}

// zone is the percentage of a zone's backends.
func (t grpcTally) zone(n int) float64 {
	return 100 * float64(t.Zones[fmt.Sprintf("zone %d", n)]) / float64(t.Requests)
}

// near fails the test unless a zone has this percentage, ± 3.
func (t grpcTally) near(test *testing.T, zone int, percent float64) {
	test.Helper()
	if got := t.zone(zone); got < percent-3 || got > percent+3 {
		test.Errorf("zone %d has %.1f %% of the requests, not %.1f", zone, got, percent)
	}
}
