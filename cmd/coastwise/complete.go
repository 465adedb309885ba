package main

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// The shells ask the binary itself what may follow (`coastwise completion`).
// Flags that name files complete as files do; all others as is said here.

// addCompletion adds cobra's own commands that print the scripts. One for a
// shell that is not known is wrong usage.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	cmd, _, err := root.Find([]string{"completion"})
	if err != nil {
		panic(err)
	}
	cmd.Args = noArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.Example = "  source <(coastwise completion bash)"
	for _, sub := range cmd.Commands() {
		sub.Args = noArgs
		sub.Example = "  coastwise completion " + sub.Name()
	}
}

// completeValues offers the values of a flag.
func completeValues(cmd *cobra.Command, flag string, values ...string) {
	complete(cmd, flag, func(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return offer(values, typed)
	})
}

// completeNothing offers nothing, not even files.
func completeNothing(cmd *cobra.Command, flags ...string) {
	for _, flag := range flags {
		complete(cmd, flag, cobra.NoFileCompletions)
	}
}

// complete registers what a flag offers. A flag that is not there, or has its
// completion already, is our own mistake.
func complete(cmd *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err)
	}
}

// completion says what the flags of a client offer.
func (f *clientFlags) completion(cmd *cobra.Command) {
	completeValues(cmd, "kind", string(model.Sidecar), string(model.Gateway), string(model.Waypoint), string(model.GRPC))
	completeNothing(cmd, "id", "namespace", "locality", "network", "labels", "scope", "bind", "gateway", "http-proxy-port")
}

// completion says what the flags of translate offer; live names are read from
// the manifests that --from names so far.
func (f *translateFlags) completion(cmd *cobra.Command, p process) {
	f.client.completion(cmd)
	completeValues(cmd, "output", "table", "json", "envoy")
	completeNothing(cmd, "subset")
	complete(cmd, "service", func(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return offer(f.serviceNames(p, typed), typed)
	})
	complete(cmd, "node", func(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return offer(f.nodeNames(p), typed)
	})
}

// offer keeps the names that begin as what is typed does.
func offer(names []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	out := []cobra.Completion{}
	for _, name := range names {
		if strings.HasPrefix(name, typed) {
			out = append(out, name)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// manifests reads --from, or gives an empty store: while somebody types there is
// no place for messages.
func (f *translateFlags) manifests(p process) *store.Store {
	st := store.New()
	if len(f.from) == 0 {
		return st
	}
	if _, err := p.load(f.from, f.tlsDirs, st); err != nil {
		return store.New()
	}
	return st
}

func (f *translateFlags) nodeNames(p process) []string {
	return slices.Sorted(maps.Keys(f.manifests(p).Nodes().ByName))
}

// serviceNames are the hosts that the client sees, and its own namespace's also
// as the short names that --service takes; behind HOST: their ports. If the
// flags do not say yet who the client is, every host is offered.
func (f *translateFlags) serviceNames(p process, typed string) []string {
	st := f.manifests(p)
	host, _, ports := strings.Cut(typed, ":")
	claims, err := f.client.proxy()
	known := err == nil
	if known {
		claims, err = client(st, claims)
		known = err == nil
	}
	scope := translate.NamespaceScope(st.Namespace(claims.Namespace))
	services := slices.DeleteFunc(ingestAll(st).services, func(s *model.Service) bool {
		return known && !translate.Visible(s, claims, scope)
	})
	if known {
		services, _ = translate.Owners(claims.Namespace, services)
	}
	var out []string
	for _, s := range services {
		for _, name := range hostNames(s, f.client.namespace) {
			switch {
			case !ports:
				out = append(out, name)
			case name == host:
				for _, port := range s.Ports {
					out = append(out, name+":"+strconv.FormatUint(uint64(port.Number), 10))
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// hostNames are a service's host and, if it is a Service of the namespace, its
// name.
func hostNames(s *model.Service, namespace string) []string {
	name, rest, _ := strings.Cut(s.Host, ".")
	if key, _ := ingest.RuleKey(namespace, name); rest != "" && key == s.Key {
		return []string{name, s.Host}
	}
	return []string{s.Host}
}
