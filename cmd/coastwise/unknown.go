package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// few is how many names a message may list.
const few = 5

// unknownNode says that --node names nothing, and which Nodes there are.
func unknownNode(name string, nodes *ingest.Nodes) error {
	return fmt.Errorf("--node: no Node %q is known%s; add it, or say where the client is by --locality",
		name, instead(name, slices.Sorted(maps.Keys(nodes.ByName))))
}

// hiddenService says that --service names one that the client may not see.
func hiddenService(s *model.Service, p model.Proxy) error {
	return fmt.Errorf("--service: %s is there, but outside this client's scope: it is exported to %s, and the client is in namespace %s%s",
		s.Host, strings.Join(s.ExportTo, ", "), p.Namespace, narrowed(p.Scope))
}

func narrowed(scope string) string {
	if scope == "" {
		return " (whose annotation may narrow it)"
	}
	return " with --scope " + scope
}

// unknownService says that --service names nothing that the client may see.
func unknownService(host string, visible []*model.Service) error {
	var hosts []string
	for _, s := range visible {
		hosts = append(hosts, s.Host)
	}
	return fmt.Errorf("--service: this client sees no service %s%s", host, instead(host, hosts))
}

// unknownPort says which ports a service has.
func unknownPort(s *model.Service, port uint32) error {
	var ports []string
	for _, p := range s.Ports {
		ports = append(ports, strconv.FormatUint(uint64(p.Number), 10))
	}
	return fmt.Errorf("--service: %s has no port %d; it has %s", s.Host, port, strings.Join(ports, ", "))
}

// unknownSubset says that no service that was asked for has this subset.
func unknownSubset(subset string, subsets []string) error {
	return fmt.Errorf("--subset: no rule that counts for this client has a subset %q%s", subset, instead(subset, subsets))
}

// instead lists the names nearest to one that does not exist: all in order if
// they are few.
func instead(name string, names []string) string {
	if len(names) == 0 {
		return ": there is none at all"
	}
	if len(names) <= few {
		return "; there is " + strings.Join(names, ", ")
	}
	near := slices.Clone(names)
	slices.SortStableFunc(near, func(a, b string) int { return distance(name, a) - distance(name, b) })
	return fmt.Sprintf("; the nearest of %d are %s", len(names), strings.Join(near[:few], ", "))
}

// distance is the number of single-character edits between two names.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
