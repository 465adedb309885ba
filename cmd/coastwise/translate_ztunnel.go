package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/coastwise/coastwise/controlplane/snapshot"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/third_party/istio/workloadapi"
	"github.com/coastwise/coastwise/translate/model"
	wds "github.com/coastwise/coastwise/translate/workload"
)

// ztunnelAnswer is what a ztunnel is sent, and what it makes of it.
type ztunnelAnswer struct {
	from      wds.From
	services  []*workloadapi.Service
	workloads []*workloadapi.Workload
	problems  []model.Problem
	one       bool
}

// askZtunnel answers for the client behind a ztunnel.
func askZtunnel(st *store.Store, q question) (ztunnelAnswer, error) {
	a := ztunnelAnswer{one: q.host != ""}
	var proxy model.Proxy
	proxy, err := client(st, q.claims)
	if err != nil {
		return a, err
	}
	a.from = wds.From{Network: proxy.Network, Node: proxy.Node, Cluster: snapshot.DefaultCluster, Locality: proxy.Locality}
	hub := snapshot.New(st, 0, slog.New(slog.DiscardHandler))
	hub.Publish(time.Now())
	member := hub.JoinZtunnel(model.Proxy{Kind: model.Ztunnel})
	table := member.Take().Table
	a.problems = hub.Problems()
	for _, name := range table.Names(wds.AddressType) {
		var address workloadapi.Address
		if err := proto.Unmarshal(table.Get(wds.AddressType, name).Body, &address); err != nil {
			return a, fmt.Errorf("%s: %w", name, err)
		}
		switch s := address.GetService(); {
		case s == nil:
			a.workloads = append(a.workloads, address.GetWorkload())
		case q.host == "" || isService(s, q.host, proxy.Namespace):
			a.services = append(a.services, s)
		}
	}
	if a.one && len(a.services) == 0 {
		return a, fmt.Errorf("no service %s for ztunnels", q.host)
	}
	return a, nil
}

// isService completes a short name by the namespace.
func isService(s *workloadapi.Service, host, namespace string) bool {
	full := s.GetHostname()
	if !strings.Contains(host, ".") && model.ServiceKey(namespace, host).Host == full {
		return true
	}
	rest, ok := strings.CutPrefix(full, host)
	return ok && (rest == "" || rest == "."+model.ClusterDomain || rest == strings.TrimPrefix(model.ClusterDomain, "svc"))
}

// write prints a table for each service: a line for each workload, the best rank first.
func (a ztunnelAnswer) write(w io.Writer, headers bool) error {
	out := &errWriter{w: w}
	for i, s := range a.services {
		if len(a.services) > 1 || !a.one {
			if i > 0 {
				out.printf("\n")
			}
			out.printf("%s/%s\n", s.GetNamespace(), s.GetHostname())
		}
		a.writeService(out, s, headers)
	}
	if len(a.services) == 0 {
		out.printf("no services\n")
	}
	if len(a.problems) > 0 {
		out.printf("\n")
		writeProblems(out, a.problems)
	}
	return out.err
}

func (a ztunnelAnswer) writeService(out io.Writer, s *workloadapi.Service, headers bool) {
	mode := s.GetLoadBalancing().GetMode()
	if mode == workloadapi.LoadBalancing_PASSTHROUGH {
		fmt.Fprintln(out, "passed through to where the client went")
		return
	}
	choices := wds.Ranks(a.from, s, a.workloads)
	if len(choices) == 0 {
		fmt.Fprintln(out, "no workloads")
		return
	}
	tab := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if headers {
		fmt.Fprintln(tab, "RANK\tPLACE\tNODE\tSTATUS\tCAPACITY\tSHARE%\tWORKLOAD")
	}
	for _, c := range choices {
		l, capacity := c.Workload.GetLocality(), uint32(1)
		if c.Workload.GetCapacity() != nil {
			capacity = c.Workload.GetCapacity().GetValue()
		}
		place := model.Locality{Region: l.GetRegion(), Zone: l.GetZone(), SubZone: l.GetSubzone()}
		fmt.Fprintf(tab, "%d\t%s\t%s\t%s\t%d\t%.1f\t%s\n", c.Rank, cmp.Or(place.String(), "-"), cmp.Or(c.Workload.GetNode(), "-"),
			strings.ToLower(c.Workload.GetStatus().String()), capacity, c.Share, c.Workload.GetUid())
	}
	tab.Flush()
}

// writeProtos prints the messages of the services and of the workloads behind them, as JSON.
func (a ztunnelAnswer) writeProtos(w io.Writer) error {
	var all []proto.Message
	for _, s := range a.services {
		all = append(all, s)
	}
	for _, w := range a.workloads {
		if !a.one || slices.ContainsFunc(a.services, func(s *workloadapi.Service) bool {
			return w.GetServices()[s.GetNamespace()+"/"+s.GetHostname()] != nil
		}) {
			all = append(all, w)
		}
	}
	for _, m := range all {
		text, err := protojson.Marshal(m)
		if err != nil {
			return err
		}
		var out bytes.Buffer
		if err := json.Indent(&out, text, "", "  "); err != nil { // protojson's own spaces differ from build to build
			return err
		}
		if _, err := fmt.Fprintf(w, "%s\n", out.Bytes()); err != nil {
			return err
		}
	}
	return nil
}
