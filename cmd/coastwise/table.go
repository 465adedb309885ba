package main

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
	"github.com/coastwise/coastwise/translate/predict"
)

// writeTable prints one table per cluster, with the cluster's name over it
// unless one cluster was asked for, and the problems below.
func writeTable(w io.Writer, a answer, headers bool) error {
	out := &errWriter{w: w}
	writeEdge(out, a, headers)
	for i, c := range a.clusters {
		if len(a.clusters) > 1 || !a.one {
			if i > 0 {
				out.printf("\n")
			}
			out.printf("%s\n", c.name)
		}
		if c.built.Cluster.Name == "" {
			out.printf("no cluster for this kind of client\n")
			continue
		}
		writeGroups(out, c.built.Assignment, headers)
		writeLeftOut(out, c.built.Assignment.LeftOut)
		writeRoutes(out, c.routes, headers)
	}
	if len(a.clusters) == 0 {
		out.printf("no clusters\n")
	}
	if len(a.problems) > 0 {
		out.printf("\n")
		writeProblems(out, a.problems)
	}
	return out.err
}

// writeGroups prints the groups of one cluster, a line each.
func writeGroups(w io.Writer, a locality.Assignment, headers bool) {
	if len(a.Groups) == 0 {
		fmt.Fprintln(w, "no endpoints")
		return
	}
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if headers {
		fmt.Fprintln(tab, "PRIORITY\tZONE\tREADY\tWEIGHT\tHEALTH\tSHARE%\tREASON")
	}
	priorities, shares := predict.Priorities(a), predict.Shares(a)
	for i, g := range a.Groups {
		ready, share := 0, 0.0
		for j, e := range g.Endpoints {
			if e.Healthy {
				ready++
			}
			share += shares[i][j]
		}
		weight := "-"
		if a.Weighted {
			weight = strconv.FormatUint(uint64(g.Weight), 10)
		}
		fmt.Fprintf(tab, "%d\t%s\t%d/%d\t%s\t%d\t%.1f\t%s\n", g.Priority, place(g.Locality, a.Groups),
			ready, len(g.Endpoints), weight, priorities[g.Priority].Health, share, g.Reason)
	}
	tab.Flush()
}

// place is the zone of a group, as short as it can be told from the others:
// with its sub-zone if it has one, and with its region where another region has
// a zone of that name, or where there is no zone. "-" is unknown.
func place(l model.Locality, groups []locality.Group) string {
	if l.Empty() {
		return "-"
	}
	name := cmp.Or(l.Zone, "-")
	if l.SubZone != "" {
		name += "/" + l.SubZone
	}
	for _, g := range groups {
		if l.Zone == "" || g.Locality.Zone == l.Zone && g.Locality.Region != l.Region {
			return cmp.Or(l.Region, "-") + "/" + name
		}
	}
	return name
}

// writeLeftOut lists the endpoints that the client does not get, and why.
func writeLeftOut(w io.Writer, left []locality.LeftOut) {
	if len(left) == 0 {
		return
	}
	fmt.Fprintln(w, "left out:")
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, l := range left {
		fmt.Fprintf(tab, "  %s\t%s\n", l.Address, l.Reason)
	}
	tab.Flush()
}

// writeProblems lists what users can mend, with the place where it stands.
func writeProblems(w io.Writer, problems []model.Problem) {
	if len(problems) == 0 {
		return
	}
	fmt.Fprintln(w, "problems:")
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, p := range problems {
		where := ""
		if p.File != "" {
			where = fmt.Sprintf(" (%s, document %d)", p.File, p.Document)
		}
		fmt.Fprintf(tab, "  %s\t%s\t%s\t%s\t%s%s\n", p.Severity, p.Reason, p.Object, p.Field, p.Message, where)
	}
	tab.Flush()
}

// errWriter remembers the first error, so that the printing above needs no
// check on each line.
type errWriter struct {
	w   io.Writer
	err error
}

func (e *errWriter) Write(p []byte) (int, error) {
	if e.err != nil {
		return 0, e.err
	}
	var n int
	n, e.err = e.w.Write(p)
	return n, e.err
}

func (e *errWriter) printf(format string, args ...any) { fmt.Fprintf(e, format, args...) }
