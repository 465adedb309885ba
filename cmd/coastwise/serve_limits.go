package main

import (
	"github.com/spf13/cobra"

	"github.com/coastwise/coastwise/controlplane"
	"github.com/coastwise/coastwise/controlplane/xds"
)

// limitFlags are the flags of serve that bound what clients can cost
// (docs/limits.md has the limits that are fixed).
type limitFlags struct{ limits controlplane.LimitsConfig }

func (f *limitFlags) add(cmd *cobra.Command) {
	flags, is := cmd.Flags(), xds.DefaultServerLimits()
	flags.IntVar(&f.limits.Connections, "max-connections", is.Connections, "most connections of the xDS port")
	flags.IntVar(&f.limits.StreamsPerSecond, "max-streams-per-second", 0, "most streams that may begin in a second (0: 150 for each core)")
	flags.DurationVar(&f.limits.ConnectionAge, "connection-age", is.ConnectionAge, "after this time, give or take a tenth, a client is asked to connect anew and proves again who it is")
	completeNothing(cmd, "max-connections", "max-streams-per-second", "connection-age")
}
