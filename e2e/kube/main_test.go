package kube_test

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/kube"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// shared is the cluster of all scenes, tools the programs, prepare what is done to
// the cluster before the first.
var (
	shared  cluster.Shared
	tools   kube.Tools
	prepare sync.Once
)

func TestMain(m *testing.M) { os.Exit(kube.Main(m, &tools, &shared)) }

// newScene is a coastwise on the shared cluster.
func newScene(t *testing.T) *kube.Scene {
	t.Helper()
	c := shared.For(t)
	prepare.Do(func() { kube.Prepare(t, c) })
	return kube.New(t, c, tools)
}

// service is a Service for Pods that are labelled app: NAME; extra is appended to spec.
func service(namespace, name, extra string) string {
	return manifest.Service(namespace, name, 80, fmt.Sprintf("    targetPort: %d\n  selector: {app: %s}\n%s", kube.Port, name, extra))
}

// ownZone is a trafficPolicy that says no more than that locality counts.
const ownZone = "{loadBalancer: {localityLbSetting: {enabled: true}}}"

// allTo is a trafficPolicy by which all requests of a zone go to another.
func allTo(from, to string) string {
	return fmt.Sprintf(`{loadBalancer: {localityLbSetting: {distribute: [{from: %q, to: {%q: 100}}]}}}`, from, to)
}
