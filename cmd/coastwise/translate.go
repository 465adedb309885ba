package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"

	"github.com/hashicorp/go-multierror"
	"github.com/spf13/cobra"

	"github.com/coastwise/coastwise/controlplane/files"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/model"
)

// translateFlags are the flags of translate.
type translateFlags struct {
	client    clientFlags
	from      []string
	tlsDirs   []string
	service   string
	subset    string
	output    string
	suspend   bool
	noHeaders bool
}

func newTranslate(p process) *cobra.Command {
	var f translateFlags
	cmd := &cobra.Command{
		Use:   "translate -f PATH",
		Short: "Print what a client would receive",
		Long: `translate reads a folder of manifests once, as serve does, and prints what one
client would receive: for every cluster its groups of endpoints in order, with the share
of the requests that Envoy will give them, what was left out and why, and every
problem that was found on the way. The endpoints themselves are in -o json.

PRIORITY 0 is used first; HEALTH is how much of the traffic a priority can take,
in percent (ready of all, times the overprovisioning factor); what it cannot take
goes on to the next. WEIGHT is "-" where localities are not weighted.

With --kind grpc it is what a proxyless gRPC client gets: only what is ready, with
the shares of an Envoy in its place as weights of the first priority.

With --kind ztunnel it is what the ztunnel of a client there makes of the service's
workloads: a ztunnel uses the best rank alone, at random by capacity, and no rules.

` + localityDefaultEnv + `=true switches locality on where no rule, no
Service and no MeshConfig says anything.

Exit codes: 0 printed, also with problems; 1 nothing could be read, or there is
no such service or Node; 2 wrong usage.`,
		Example: `  coastwise translate -f mesh/ --locality eu/eu-1 --service reviews:80

  # The client is a pod that the manifests name: its Node says where it is.
  coastwise translate -f mesh/ --namespace shop --id cart-0 -o json

  # The very protos, as JSON.
  coastwise translate -f mesh/ --node node-1 --service reviews -o envoy`,
		Args: noArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, p) },
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.from, "from", "f", nil, "file or folder of manifests; may be given more than once")
	flags.StringArrayVar(&f.tlsDirs, "tls-dir", nil, tlsDirUsage)
	flags.StringVar(&f.service, "service", "", "only this service: HOST[:PORT]; short names are completed by --namespace")
	flags.StringVar(&f.subset, "subset", "", "only this subset of it")
	flags.BoolVar(&f.suspend, "suspend-locality", false, "no locality for any service; what is forbidden stays forbidden")
	flags.StringVarP(&f.output, "output", "o", "table", "table, json or envoy")
	flags.BoolVar(&f.noHeaders, "no-headers", false, "no column titles in tables")
	f.client.add(flags)
	f.completion(cmd, p)
	return cmd
}

func (f *translateFlags) run(cmd *cobra.Command, p process) error {
	q, err := f.question()
	if err != nil {
		return err
	}
	byDefault, err := p.localityDefault()
	if err != nil {
		return err
	}
	st := store.New()
	st.SetMesh(f.suspend, byDefault)
	source, err := p.load(f.from, q.tlsDirs, st)
	if err == nil && source.Stats().Objects == 0 { // a folder of mistakes is no empty mesh
		err = fmt.Errorf("%s: nothing could be read: no object of a kind that is served", strings.Join(f.from, ", "))
	}
	if err != nil {
		writeProblems(cmd.ErrOrStderr(), st.Problems())
		return err
	}
	if q.claims.Kind == model.Ztunnel {
		return f.printZtunnel(cmd, st, q)
	}
	a, err := ask(st, q)
	a.locate(source.Where)
	if err != nil {
		writeProblems(cmd.ErrOrStderr(), a.problems)
		return err
	}
	if translate.UnknownPlace(a.proxy.Locality, st.Nodes()) {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: no Node is in %s: is the client's locality spelt as their labels are?\n", a.proxy.Locality)
	}
	switch f.output {
	case "json":
		return writeJSON(cmd.OutOrStdout(), a)
	case "envoy":
		return writeEnvoy(cmd.OutOrStdout(), a, q.host == "")
	}
	return writeTable(cmd.OutOrStdout(), a, !f.noHeaders)
}

// printZtunnel is run for a ztunnel.
func (f *translateFlags) printZtunnel(cmd *cobra.Command, st *store.Store, q question) error {
	a, err := askZtunnel(st, q)
	switch {
	case err != nil:
		writeProblems(cmd.ErrOrStderr(), a.problems)
		return err
	case f.output == "envoy":
		return a.writeProtos(cmd.OutOrStdout())
	}
	return a.write(cmd.OutOrStdout(), !f.noHeaders)
}

// load reads files and folders into a store, once.
func load(paths, tlsDirs []string, st *store.Store) (*files.Source, error) {
	source := files.New(paths, st, slog.New(slog.DiscardHandler), files.TLSDirs(tlsDirs)) // what it would log stands in the problems
	return source, source.Load()
}

// question reads the flags; the error lists every one that is wrong.
func (f *translateFlags) question() (question, error) {
	errs := &multierror.Error{ErrorFormat: lines}
	ztunnel := f.client.kind == string(model.Ztunnel)
	if ztunnel {
		f.client.kind = string(model.Sidecar) // whose place is asked for
	}
	claims, err := f.client.proxy()
	if ztunnel {
		claims.Kind = model.Ztunnel
	}
	if err != nil {
		errs = multierror.Append(errs, errorsOf(err)...)
	}
	q := question{claims: claims, subset: f.subset}
	if q.host, q.port, err = parseService(f.service); err != nil {
		errs = multierror.Append(errs, err)
	}
	if q.tlsDirs, err = files.CheckTLSDirs(f.tlsDirs); err != nil {
		errs = multierror.Append(errs, err)
	}
	if len(f.from) == 0 {
		errs = multierror.Append(errs, errors.New("--from: give at least one file or folder of manifests"))
	}
	switch f.output {
	case "table", "json", "envoy":
	default:
		errs = multierror.Append(errs, fmt.Errorf("--output: %q: want table, json or envoy", f.output))
	}
	if ztunnel && (f.output == "json" || f.subset != "") {
		errs = multierror.Append(errs, errors.New("--kind ztunnel: there is no --subset and no -o json: table, or envoy for the messages themselves"))
	}
	if errs.ErrorOrNil() != nil {
		return question{}, usageError{errs}
	}
	return q, nil
}

// parseService reads HOST[:PORT]; port 0 is every port.
func parseService(s string) (host string, port uint32, err error) {
	host, text, err := net.SplitHostPort(s)
	if err != nil {
		return s, 0, nil // no port in it
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 || host == "" {
		return "", 0, fmt.Errorf("--service: %q: want HOST or HOST:PORT", s)
	}
	return host, uint32(n), nil
}

// errorsOf is the single errors of a collected one.
func errorsOf(err error) []error {
	if collected, ok := errors.AsType[*multierror.Error](err); ok {
		return collected.Errors
	}
	return []error{err}
}
