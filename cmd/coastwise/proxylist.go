package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coastwise/coastwise/controlplane"
)

// proxyList is what /proxies?replicas=all says: streams, and replicas that could not
// be asked.
type proxyList []controlplane.ReplicaProxy

// streams are the list without those replicas.
func (l proxyList) streams() proxyList {
	return slices.DeleteFunc(slices.Clone(l), func(p controlplane.ReplicaProxy) bool { return p.Error != "" })
}

// unasked says of each of those replicas why it could not be asked.
func (l proxyList) unasked() []string {
	var out []string
	for _, p := range l {
		if p.Error != "" {
			out = append(out, fmt.Sprintf("replica %s does not answer, its proxies are missing: %s", printable(p.Replica), oneLine(p.Error)))
		}
	}
	return out
}

// oneLine is another server's words without what would break ours.
func oneLine(s string) string {
	quoted := strconv.Quote(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// replicas says that there is more than one.
func (l proxyList) replicas() bool {
	return slices.ContainsFunc(l, func(p controlplane.ReplicaProxy) bool { return p.Replica != "" })
}

// warn writes lines to stderr.
func warn(p process, lines []string) {
	for _, line := range lines {
		fmt.Fprintln(p.stderr, line)
	}
}

// proxyTitles are the columns of the table, proxyRow the cells of one stream; the
// replica's is there if there are several.
func proxyTitles(replicas bool) string {
	if replicas {
		return "PROXY\tKIND\tLOCALITY\tSTATE\tREFUSED\tPROBLEMS\tBYTES\tCONNECTED\tPEER\tREPLICA\tNOTE"
	}
	return "PROXY\tKIND\tLOCALITY\tSTATE\tREFUSED\tPROBLEMS\tBYTES\tCONNECTED\tPEER\tNOTE"
}

// proxyRow has the problems' texts if wide.
func proxyRow(p controlplane.ReplicaProxy, replicas, wide bool) string {
	state, refused, bytes := "synced", 0, uint64(0)
	if len(p.Types) == 0 {
		state = "lagging"
	}
	for _, t := range p.Types {
		if !t.Synced {
			state = "lagging"
		}
		refused += t.Refused
		bytes += t.Bytes
	}
	cells := []string{
		printable(p.ID), printable(p.Kind), printable(cmp.Or(p.Locality, "-")), state, strconv.Itoa(refused),
		strconv.Itoa(len(p.Problems)), strconv.FormatUint(bytes, 10), p.Connected.UTC().Format(time.RFC3339), printable(cmp.Or(p.Peer, "-")),
	}
	if replicas {
		cells = append(cells, printable(cmp.Or(p.Replica, "-")))
	}
	return strings.Join(append(cells, proxyNote(p, wide)), "\t")
}

// proxyNote is what else there is to say, in one line.
func proxyNote(p controlplane.ReplicaProxy, wide bool) string {
	var notes []string
	if p.SharedID {
		notes = append(notes, "two live streams have this id")
	}
	if wide {
		for _, q := range p.Problems {
			notes = append(notes, oneLine(fmt.Sprintf("%s %s: %s: %s", q.Object, q.Field, q.Reason, q.Message)))
		}
	}
	return strings.Join(notes, "; ")
}

// table is the list as a table; wide has the texts of problems.
func (l proxyList) table(headers, wide bool) string {
	if len(l) == 0 {
		if headers {
			return "no proxies\n"
		}
		return ""
	}
	replicas := l.replicas()
	rows := make([]string, 0, len(l)+1)
	if headers {
		rows = append(rows, proxyTitles(replicas))
	}
	for _, p := range l {
		rows = append(rows, proxyRow(p, replicas, wide))
	}
	return aligned(rows)
}
