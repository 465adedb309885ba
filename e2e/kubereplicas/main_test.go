package kubereplicas_test

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/kube"
)

// patience is how long anything may take that has no limit of its own.
const patience = 45 * time.Second

// shared is the cluster of all scenes, tools the programs, prepare what is done to the
// cluster before the first.
var (
	shared  cluster.Shared
	tools   kube.Tools
	prepare sync.Once
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "coastwise-replicas-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(dir)
	if tools, err = kube.Build(dir); err != nil {
		return fail(err)
	}
	code := m.Run()
	if err := shared.Stop(); err != nil {
		return fail(err)
	}
	return code
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}
