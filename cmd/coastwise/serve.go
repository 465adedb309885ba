package main

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/hashicorp/go-multierror"
	"github.com/spf13/cobra"

	"github.com/coastwise/coastwise/controlplane"
	"github.com/coastwise/coastwise/controlplane/files"
)

// tlsDirUsage is that of serve and translate.
const tlsDirUsage = "folder of secrets for tls.credentialName, by the path that the Envoys see; may be given more than once"

// serveFlags are the flags of serve.
type serveFlags struct {
	from, tlsDirs       []string
	xds, admin, debug   string
	suspend             bool
	logFormat, logLevel string
	publishInterval     time.Duration
	limits              limitFlags
	replica             replicaFlags
	kube                kubeFlags
	auth                authFlags
	ztunnels            ztunnelFlags
}

func newServe(p process) *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve {--from PATH… | --kubeconfig FILE}",
		Short: "Serve a cluster, or a folder of manifests, to Envoys",
		Long: `serve watches the API server of a Kubernetes cluster, or files and folders of
manifests, or both, and streams what they decide to every Envoy that connects,
over ADS (delta, or state of the world) on one gRPC port. In a Pod, without
--from and --kubeconfig, the cluster is the Pod's own. Nothing is served before
everything was read once; serve ends if that takes the API server more than a
minute, and goes on with what it has if the API server goes away later. It runs
until it is interrupted.

` + authUsage + `

The admin port has /livez, /readyz (?verbose), /metrics, /problems and /proxies
(see 'coastwise proxies'); / lists them. The debug port, off unless --debug is given, has pprof and /debug/proxies/ID: what a proxy
was sent and what it accepted.

When it is told to end (SIGTERM or Ctrl-C) it is not ready any more, serves on for
--drain-delay, and then tells the proxies to go one after the other, spread over
--drain-time. A second signal ends it at once.

Replicas find each other as Pods: those in $POD_NAMESPACE (default
coastwise-system) with the app.kubernetes.io/name of the Pod $POD_NAME. On --peer
they tell each other how far their proxies are, and who is connected.

` + localityDefaultEnv + `=true switches locality on where no rule, no
Service and no MeshConfig says anything.`,
		Example: `  coastwise serve --from mesh/
  coastwise serve -f services/ -f rules.yaml --debug 127.0.0.1:15015 --log-format json

  coastwise serve --kubeconfig ~/.kube/config --context test

  # Every service flat, at once, for all clients; fences still hold.
  coastwise serve --from mesh/ --suspend-locality`,
		Args: noArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := f.config(p)
			if err != nil {
				return err
			}
			return controlplane.Run(cmd.Context(), cfg)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.from, "from", "f", nil, "file or folder of manifests, watched; may be given more than once")
	flags.StringArrayVar(&f.tlsDirs, "tls-dir", nil, tlsDirUsage)
	flags.StringVar(&f.xds, "xds", "127.0.0.1:15010", "address of the xDS port; beyond loopback see --tls-cert")
	flags.StringVar(&f.admin, "admin", defaultAdmin, "address of health, metrics and the list of proxies")
	flags.StringVar(&f.debug, "debug", "", "address of pprof and /debug/proxies/ID (default: off)")
	flags.BoolVar(&f.suspend, "suspend-locality", false, "no locality for any service; what is forbidden stays forbidden")
	flags.StringVar(&f.logFormat, "log-format", "text", "text or json")
	flags.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
	flags.DurationVar(&f.publishInterval, "publish-interval", 10*time.Millisecond, "shortest time between two publishes")
	f.limits.add(cmd)
	f.replica.register(cmd)
	f.kube.add(cmd)
	f.auth.add(cmd)
	f.ztunnels.add(cmd)
	completeValues(cmd, "log-format", "text", "json")
	completeValues(cmd, "log-level", "debug", "info", "warn", "error")
	completeNothing(cmd, "xds", "admin", "debug", "publish-interval")
	return cmd
}

// config reads the flags; the error lists every one that is wrong.
func (f *serveFlags) config(p process) (controlplane.Config, error) {
	errs := &multierror.Error{ErrorFormat: lines}
	log, err := newLogger(p.stderr, f.logFormat, f.logLevel)
	if err != nil {
		errs = multierror.Append(errs, errorsOf(err)...)
	}
	byDefault, err := p.localityDefault()
	if err != nil {
		errs = multierror.Append(errs, err)
	}
	dirs, err := files.CheckTLSDirs(f.tlsDirs)
	if err != nil {
		errs = multierror.Append(errs, err)
	}
	cfg := controlplane.Config{
		From: f.from, TLSDirs: dirs, XDS: f.xds, Admin: f.admin, Debug: f.debug,
		Suspend: f.suspend, LocalityDefault: byDefault,
		PublishInterval: f.publishInterval, Log: log, Limits: f.limits.limits,
		Replica: f.replica.config(p), Kube: f.kube.config(p, f.from), Clients: f.auth.clients, Ztunnels: f.ztunnels.config,
	}
	if err := cfg.Validate(); err != nil {
		errs = multierror.Append(errs, errorsOf(err)...)
	}
	if errs.ErrorOrNil() != nil {
		return controlplane.Config{}, usageError{errs}
	}
	return cfg, nil
}

// newLogger makes the logger of a format and level; the error lists what is wrong.
func newLogger(w io.Writer, format, level string) (*slog.Logger, error) {
	errs := &multierror.Error{ErrorFormat: lines}
	var opts slog.HandlerOptions
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		errs = multierror.Append(errs, fmt.Errorf("--log-level: %q: want debug, info, warn or error", level))
	}
	opts.Level = l
	var handler slog.Handler
	switch format {
	case "text":
		handler = slog.NewTextHandler(w, &opts)
	case "json":
		handler = slog.NewJSONHandler(w, &opts)
	default:
		errs = multierror.Append(errs, fmt.Errorf("--log-format: %q: want text or json", format))
	}
	if err := errs.ErrorOrNil(); err != nil {
		return nil, err
	}
	return slog.New(handler), nil
}
