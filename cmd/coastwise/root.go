package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// newRoot makes the command tree; nothing in it is shared between two calls.
func newRoot(p process) *cobra.Command {
	root := &cobra.Command{
		Use:   "coastwise",
		Short: "A locality-aware xDS control plane",
		Long: `coastwise decides, for the place that a client runs in, which endpoints of a
service come first and what may take over, and streams the answer to Envoy.

It reads Kubernetes manifests: Services, EndpointSlices, Nodes, Pods and
Namespaces, its own DestinationRules and MeshConfig
(networking.coastwise.dev/v1alpha1), and Istio's of the same names as they are.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 findings, 4 not in time, 5 no
server answers.
Answers go to stdout, messages to stderr.`,
		Example: `  # What would a client in zone eu-1 of region eu send to the service reviews?
  coastwise translate -f mesh/ --locality eu/eu-1 --service reviews:80

  # What is wrong in it, and what differs from Istio?
  coastwise lint -f mesh/

  # Serve the folder to Envoys, and start one with nothing but its own bootstrap.
  coastwise serve --from mesh/
  coastwise bootstrap --id client-0 --locality eu/eu-1 --xds 127.0.0.1:15010 > client-0.yaml
  envoy --use-dynamic-base-id -c client-0.yaml`,
		Args:          noArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Version:       buildVersion(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(newHelp())
	root.AddCommand(newServe(p), newTranslate(p), newLint(p), newBootstrap(), newVersion())
	root.AddCommand(newProxies(p), newWait(p))
	root.SetOut(p.stdout) // where it is now, the scripts of the completion go
	addCompletion(root)
	return root
}

// noArgs refuses positional arguments, and says which command was meant.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if !cmd.HasSubCommands() {
		return usagef("unexpected argument %q", args[0])
	}
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return usagef("unknown command %q; did you mean %s?", args[0], strings.Join(near, " or "))
	}
	return usagef("unknown command %q", args[0])
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of this build",
		Long: `version prints the module version, the commit and the Go version of this build.
Versions of resources depend on the build: two builds may encode one answer differently.`,
		Example:           `  coastwise version`,
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "coastwise %s %s %s/%s\n",
				buildVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// buildVersion is the module's version, with the commit where one is known.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	version := info.Main.Version
	if version == "" {
		version = "(devel)"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && !strings.Contains(version, s.Value) {
			return version + " " + s.Value
		}
	}
	return version
}
