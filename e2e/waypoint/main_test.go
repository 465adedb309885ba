package waypoint

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/checkout"
	"github.com/coastwise/coastwise/e2e/coastwise"
)

// patience is how long anything may take that has no limit of its own.
const patience = 30 * time.Second

// built is what TestMain prepared for all tests.
var built struct {
	coastwise coastwise.Binary
	envoy     string
}

var seed = flag.Uint64("seed", 0, "seed of the services that are drawn; 0 draws one")

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "coastwise-waypoint-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(dir)
	binary, err := checkout.Coastwise(dir)
	if err != nil {
		return fail(err)
	}
	built.coastwise = coastwise.Binary(binary)
	if built.envoy, err = checkout.Envoy(); err != nil {
		return fail(err)
	}
	return m.Run()
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// drawn is a source of a test's randomness.
func drawn(t *testing.T) *rand.Rand {
	t.Helper()
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("again with -seed %d", s)
	return rand.New(rand.NewPCG(s, 7))
}
