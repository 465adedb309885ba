package kubereplicas_test

import (
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

func TestMain(m *testing.M) { os.Exit(kube.Main(m, &tools, &shared)) }
