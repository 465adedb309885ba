package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/go-multierror"
	"github.com/spf13/cobra"

	"github.com/coastwise/coastwise/controlplane/files"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/lint"
	"github.com/coastwise/coastwise/translate/model"
)

// lintFlags are the flags of lint.
type lintFlags struct {
	from     []string
	tlsDirs  []string
	output   string
	severity string
	grpc     bool
}

func newLint(p process) *cobra.Command {
	var f lintFlags
	cmd := &cobra.Command{
		Use:   "lint -f PATH",
		Short: "Say what is wrong in manifests, and what differs from Istio",
		Long: `lint reads a folder of manifests once, as serve does, and says object by object
every problem that serve would report, for clients at every place that the manifests
know, and what coastwise does otherwise than Istio would with the same object: what
Istio does, what coastwise does, and what to write to keep Istio's behaviour.

Each finding has a rule with a stable id; docs/lint.md lists them. On an object of
our own kinds a difference from Istio is info; --min-severity warning leaves these out.

Exit codes: 0 no findings; 1 nothing could be read; 2 wrong usage; 3 findings.`,
		Example: `  coastwise lint -f mesh/

  # The mesh has proxyless gRPC clients: say what they cannot do too.
  coastwise lint -f mesh/ --grpc

  # In CI: only what may break, as SARIF.
  coastwise lint -f mesh/ --min-severity warning -o sarif > lint.sarif`,
		Args: noArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, p) },
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.from, "from", "f", nil, "file or folder of manifests; may be given more than once")
	flags.StringArrayVar(&f.tlsDirs, "tls-dir", nil, tlsDirUsage)
	flags.StringVarP(&f.output, "output", "o", "table", "table, json or sarif")
	flags.StringVar(&f.severity, "min-severity", string(model.Info), "least severity of a finding: info, warning or error")
	flags.BoolVar(&f.grpc, "grpc", false, "for proxyless gRPC clients too: what of the rules they cannot do")
	completeValues(cmd, "output", "table", "json", "sarif")
	completeValues(cmd, "min-severity", severities()...)
	return cmd
}

// severities are the words of --min-severity, mildest first.
func severities() []string {
	return []string{string(model.Info), string(model.Warning), string(model.Error)}
}

func (f *lintFlags) run(cmd *cobra.Command, p process) error {
	tlsDirs, err := f.check()
	if err != nil {
		return err
	}
	byDefault, err := p.localityDefault()
	if err != nil {
		return err
	}
	st := store.New()
	st.SetMesh(false, byDefault)
	source, err := p.load(f.from, tlsDirs, st)
	if err != nil {
		return err
	}
	findings := f.severe(findings(st, source, byDefault, f.grpc))
	out := cmd.OutOrStdout()
	switch f.output {
	case "json":
		err = encode(out, append([]lint.Finding{}, findings...))
	case "sarif":
		err = writeSARIF(out, findings)
	default:
		err = writeFindings(out, findings)
	}
	if err == nil && len(findings) > 0 {
		err = findingsError{len(findings)}
	}
	return err
}

// findingsError says that something was found: no failure, but not nothing.
type findingsError struct{ n int }

func (e findingsError) Error() string {
	if e.n == 1 {
		return "1 finding"
	}
	return fmt.Sprintf("%d findings", e.n)
}

// check lists every flag that is wrong.
func (f *lintFlags) check() (tlsDirs []string, err error) {
	errs := &multierror.Error{ErrorFormat: lines}
	if tlsDirs, err = files.CheckTLSDirs(f.tlsDirs); err != nil {
		errs = multierror.Append(errs, err)
	}
	if len(f.from) == 0 {
		errs = multierror.Append(errs, errors.New("--from: give at least one file or folder of manifests"))
	}
	switch f.output {
	case "table", "json", "sarif":
	default:
		errs = multierror.Append(errs, fmt.Errorf("--output: %q: want table, json or sarif", f.output))
	}
	if !slices.Contains(severities(), f.severity) {
		errs = multierror.Append(errs, fmt.Errorf("--min-severity: %q: want info, warning or error", f.severity))
	}
	if errs.ErrorOrNil() != nil {
		return nil, usageError{errs}
	}
	return tlsDirs, nil
}

// severe keeps what is severe enough.
func (f *lintFlags) severe(all []lint.Finding) []lint.Finding {
	least := slices.Index(severities(), f.severity)
	return slices.DeleteFunc(all, func(x lint.Finding) bool {
		return slices.Index(severities(), string(x.Severity)) < least
	})
}

// findings are all that a store and its source give rise to, with their places.
func findings(st *store.Store, source *files.Source, byDefault, grpc bool) []lint.Finding {
	mesh, problems := survey(st, grpc)
	mesh.LocalityDefault = byDefault
	where := map[model.ObjectRef]files.Foreign{}
	for _, f := range source.Foreign() {
		ref := model.ObjectRef{Kind: f.Kind, Namespace: f.Namespace, Name: f.Name}
		where[ref] = f
		mesh.Foreign = append(mesh.Foreign, ref)
	}
	out := lint.Join(lint.Check(mesh), problems)
	at := files.NewLines()
	for i := range out {
		f := &out[i]
		if foreign, skipped := where[f.Object]; skipped {
			f.File, f.Document = foreign.File, foreign.Document
		} else if file, document, ok := source.Where(f.Object); f.File == "" && ok {
			f.File, f.Document = file, document
		}
		if f.File != "" {
			f.Line = at.Of(f.File, f.Document, f.Object, f.Field)
		}
	}
	return lint.Sort(out)
}
