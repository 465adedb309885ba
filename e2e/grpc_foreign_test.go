package e2e

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/coastwise"
)

// foreign are the implementations of gRPC beside grpc-go.
var foreign = []struct {
	name, install string
	// command runs its client of a target with what install printed.
	command func(installed, target string) *exec.Cmd
}{
	{"grpcio", "../hack/grpcio.sh", func(python, target string) *exec.Cmd {
		return exec.Command(python, "grpcforeign/client.py", target)
	}},
	{"grpc-js", "../hack/grpcjs.sh", func(modules, target string) *exec.Cmd {
		cmd := exec.Command("node", "grpcforeign/client.js", target)
		cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
		return cmd
	}},
}

// TestOtherGRPCImplementations: C++ and JavaScript clients reach backends with
// nothing but what bootstrap prints, share as distribute says, and follow a change
// of health, the death of a zone and its return without a failure.
func TestOtherGRPCImplementations(t *testing.T) {
	for _, f := range foreign {
		t.Run(f.name, func(t *testing.T) {
			install := exec.Command(f.install)
			install.Stderr = os.Stderr
			installed, err := install.Output()
			if err != nil {
				t.Fatalf("%s: %v", f.install, err)
			}
			s := newScene(t, map[string]string{"nodes.yaml": nodes()})
			for zone := range 2 {
				s.backend(zone, 0)
				s.backend(zone, 1)
			}
			serve := func(layout [3]layoutOf) {
				s.write("a.yaml", s.predictCase("a", layout, "", "{distribute: [{from: eu/*, to: {eu/eu-1: 70, eu/eu-2: 30}}]}", false))
			}
			serve([3]layoutOf{{2, 0}, {2, 0}})
			c := s.grpcBy(coastwise.Client{Locality: "eu/eu-1"}, f.command(strings.TrimSpace(string(installed)), "xds:///a.default:80"))
			c.shares(t, 70)
			serve([3]layoutOf{{1, 1}, {2, 0}}) // half of the first: 49 of 79
			c.shares(t, 100*49./79)
			serve([3]layoutOf{{0, 2}, {2, 0}})
			c.shares(t, 0)
			serve([3]layoutOf{{2, 0}, {2, 0}})
			c.shares(t, 70)
			s.server.Kill()
			c.unfailing(200)
		})
	}
}

// shares waits until the first zone has about this percentage, then holds all of it
// against the prediction.
func (c *grpcClient) shares(t *testing.T, first float64) {
	t.Helper()
	await.Until(t, patience, func() string {
		if got := c.unfailing(300).zone(0); math.Abs(got-first) > 9 {
			return fmt.Sprintf("the first zone has %.0f %%, not %.0f %%", got, first)
		}
		return ""
	})
	tally := c.gives("a.default:80")
	if got := tally.zone(0); math.Abs(got-first) > 3 {
		t.Errorf("the first zone has %.1f %%, by hand it is %.1f %%", got, first)
	}
}
