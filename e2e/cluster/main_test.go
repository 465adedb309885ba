package cluster_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/coastwise/coastwise/e2e/backend"
	"github.com/coastwise/coastwise/e2e/cluster"
)

// shared is the cluster of the tests that do no harm to it.
var shared cluster.Shared

func TestMain(m *testing.M) {
	backend.Child()
	code := m.Run()
	if err := shared.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
