package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/coastwise/coastwise/e2e/app"
	"github.com/coastwise/coastwise/e2e/backend"
	"github.com/coastwise/coastwise/e2e/checkout"
	"github.com/coastwise/coastwise/e2e/coastwise"
)

// built is what TestMain prepared for all tests.
var built struct {
	coastwise coastwise.Binary
	envoy     string
	grpc      string
}

func TestMain(m *testing.M) {
	backend.Child()
	app.Child()
	os.Exit(run(m))
}

// builtVar names what the process that started this one has built, by os.PathListSeparator.
const builtVar = "COASTWISE_E2E_BUILT"

func run(m *testing.M) int {
	if paths := filepath.SplitList(os.Getenv(builtVar)); len(paths) == 3 {
		built.coastwise, built.envoy, built.grpc = coastwise.Binary(paths[0]), paths[1], paths[2]
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "coastwise-e2e-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(dir)
	binary, err := checkout.Coastwise(dir)
	if err != nil {
		return fail(err)
	}
	grpc := filepath.Join(dir, "grpcclient")
	if out, err := exec.Command("go", "build", "-o", grpc, "./grpcclient").CombinedOutput(); err != nil {
		return fail(fmt.Errorf("building grpcclient: %w\n%s", err, out))
	}
	envoy, err := checkout.Envoy()
	if err != nil {
		return fail(err)
	}
	built.coastwise, built.envoy, built.grpc = coastwise.Binary(binary), envoy, grpc
	return m.Run()
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}
