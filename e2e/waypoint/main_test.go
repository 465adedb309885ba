package waypoint

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
	binary := filepath.Join(dir, "coastwise")
	if out, err := exec.Command("go", "build", "-C", "../..", "-o", binary, "./cmd/coastwise").CombinedOutput(); err != nil {
		return fail(fmt.Errorf("building coastwise: %w\n%s", err, out))
	}
	install := exec.Command("../../hack/envoy.sh")
	install.Stderr = os.Stderr
	envoy, err := install.Output()
	if err != nil {
		return fail(fmt.Errorf("installing Envoy: %w", err))
	}
	built.coastwise, built.envoy = coastwise.Binary(binary), strings.TrimSpace(string(envoy))
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

// eventually fails the test if ok does not give "" in time; it says what is missing
// otherwise.
func eventually(t *testing.T, limit time.Duration, ok func() string) {
	t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(10 * time.Millisecond) {
		missing := ok()
		if missing == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, missing)
		}
	}
}
