package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/coastwise/coastwise/controlplane"
)

// ztunnelFlags are the flags of serve about ztunnels.
type ztunnelFlags struct{ config controlplane.ZtunnelConfig }

func (f *ztunnelFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.config.Cluster, "cluster-id", "", "id of the cluster, as ztunnels have it in CLUSTER_ID (default "+controlplane.DefaultCluster+")")
	flags.StringSliceVar(&f.config.Accounts, "ztunnel", nil,
		"NAMESPACE/SERVICEACCOUNT of ztunnels, which see the whole mesh; may be given more than once (default "+strings.Join(controlplane.DefaultZtunnels(), ",")+")")
	completeNothing(cmd, "cluster-id", "ztunnel")
}
