package main

import (
	"github.com/spf13/cobra"

	"github.com/coastwise/coastwise/controlplane"
)

// kubeFlags say which API server serve watches.
type kubeFlags struct{ kubeconfig, context string }

func (f *kubeFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.kubeconfig, "kubeconfig", "", "file that says how to reach the API server of a cluster, whose objects are served (in a Pod without --from: its own cluster's)")
	flags.StringVar(&f.context, "context", "", "context of the kubeconfig; alone, one of $KUBECONFIG or ~/.kube/config (default: the current one)")
	completeNothing(cmd, "context")
}

// config is what the flags mean: without any, and without files, a Pod watches the
// cluster that it is in.
func (f *kubeFlags) config(p process, from []string) controlplane.KubeConfig {
	c := controlplane.KubeConfig{Kubeconfig: f.kubeconfig, Context: f.context}
	if len(from) == 0 && f.kubeconfig == "" && f.context == "" {
		host, _ := p.env("KUBERNETES_SERVICE_HOST")
		port, _ := p.env("KUBERNETES_SERVICE_PORT")
		c.InCluster = host != "" && port != ""
	}
	return c
}
