package main

import (
	"testing"

	"github.com/coastwise/coastwise/controlplane"
)

// TestWhichClusterIsServed: a Pod without any flag watches its own cluster.
func TestWhichClusterIsServed(t *testing.T) {
	inPod := map[string]string{"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}
	for name, c := range map[string]struct {
		env     map[string]string
		flags   kubeFlags
		from    []string
		cluster bool
	}{
		"a Pod":                 {inPod, kubeFlags{}, nil, true},
		"a Pod, files":          {inPod, kubeFlags{}, []string{"mesh/"}, false},
		"a Pod, a kubeconfig":   {inPod, kubeFlags{kubeconfig: "f"}, nil, false},
		"a Pod, a context":      {inPod, kubeFlags{context: "x"}, nil, false},
		"a laptop":              {nil, kubeFlags{}, nil, false},
		"a laptop, both":        {nil, kubeFlags{kubeconfig: "f", context: "x"}, []string{"mesh/"}, false},
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
