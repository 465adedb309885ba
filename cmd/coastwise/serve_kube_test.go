package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/coastwise/coastwise/controlplane"
)

// TestWhichClusterIsServed: a Pod without any flag watches its own cluster.
func TestWhichClusterIsServed(t *testing.T) {
	_, file := newCluster(t)
	t.Setenv("KUBECONFIG", file)
	inPod := map[string]string{"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}
	for name, c := range map[string]struct {
		env     map[string]string
		flags   kubeFlags
		from    []string
		cluster bool
	}{
		"a Pod":                 {inPod, kubeFlags{}, nil, true},
		"a Pod, files":          {inPod, kubeFlags{}, []string{"mesh/"}, false},
		"a Pod, a kubeconfig":   {inPod, kubeFlags{kubeconfig: file}, nil, false},
		"a Pod, a context":      {inPod, kubeFlags{context: "away"}, nil, false},
		"a laptop":              {nil, kubeFlags{}, nil, false},
		"a laptop, both":        {nil, kubeFlags{kubeconfig: file, context: "away"}, []string{"mesh/"}, false},
		"half of the variables": {map[string]string{"KUBERNETES_SERVICE_HOST": "10.96.0.1"}, kubeFlags{}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := process{env: func(key string) (string, bool) { v, ok := c.env[key]; return v, ok }}
			got := c.flags.config(p, c.from)
			if got.InCluster != c.cluster || got.Kubeconfig != c.flags.kubeconfig || got.Context != c.flags.context {
				t.Errorf("%+v", got)
			}
			nothing := len(c.from) == 0 && c.flags == (kubeFlags{}) && !c.cluster
			cfg := controlplane.Config{From: c.from, Kube: got, XDS: "127.0.0.1:1", Admin: "127.0.0.1:2"}
			if err := cfg.Validate(); (err != nil) != nothing {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestAKubeconfigThatCannotBeUsedIsWrongUsage, as it is of wait.
func TestAKubeconfigThatCannotBeUsedIsWrongUsage(t *testing.T) {
	_, file := newCluster(t)
	dir := t.TempDir()
	writeFile(t, dir, "empty", nil)
	for want, flags := range map[string][]string{
		"no such file":               {"--kubeconfig", filepath.Join(dir, "no")},
		`context "y" does not exist`: {"--kubeconfig", file, "--context", "y"},
		"/empty names no cluster":    {"--kubeconfig", filepath.Join(dir, "empty")},
		"2 errors":                   {"--kubeconfig", filepath.Join(dir, "no"), "--admin", "nowhere"},
	} {
		code, _, stderr := call(t.Context(), append([]string{"serve", "--xds", "127.0.0.1:0"}, flags...)...)
		if code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit code %d, %s", flags, code, stderr)
		}
	}
}
