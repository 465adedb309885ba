package kube

import (
	"fmt"
	"os"
	"testing"

	"github.com/coastwise/coastwise/e2e/cluster"
)

// Main is a TestMain: it builds the programs, runs the tests, ends the cluster that
// they shared, and returns the exit code.
func Main(m *testing.M, tools *Tools, shared *cluster.Shared) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	dir, err := os.MkdirTemp("", "coastwise-kube-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(dir)
	if *tools, err = Build(dir); err != nil {
		return fail(err)
	}
	code := m.Run()
	if err := shared.Stop(); err != nil {
		return fail(err)
	}
	return code
}
