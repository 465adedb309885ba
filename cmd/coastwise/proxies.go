package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/hashicorp/go-multierror"
	"github.com/spf13/cobra"
)

// defaultAdmin is where serve has its admin port unless it is told otherwise.
const defaultAdmin = "127.0.0.1:15014"

// proxiesFlags are the flags of proxies.
type proxiesFlags struct {
	server, output   string
	watch, noHeaders bool
}

func newProxies(p process) *cobra.Command {
	var f proxiesFlags
	cmd := &cobra.Command{
		Use:   "proxies",
		Short: "List the connected proxies of a running server",
		Long: `proxies asks the admin port of a running server who is connected: a line for
every stream, by id. That server asks the other replicas, if there are any (the
Pods beside its own; serve --peer): then there is a column REPLICA. A replica that
does not answer is named on stderr, and its proxies are missing.

STATE is synced if the proxy has acknowledged everything as it is now, else
lagging. REFUSED counts resources that the proxy refuses as they are now (NACKs), PROBLEMS
all that concerns this proxy alone, refusals among them (the first 20 are told): a
claim that is not true, a Gateway that is not there or of another class, a port that
is wanted twice, a certificate that is missing. -o wide tells their texts in NOTE.
BYTES is what it was sent on this stream, CONNECTED when the stream began. A NOTE
says too that two live streams have one id.

-w follows the server until it is interrupted: on a terminal it redraws the list
every second, elsewhere it appends what has changed, each line with its time
(with -o json: the whole list in one line, whenever it changed). A server that
goes away is waited for.

-o json is the list as the admin port's /proxies?replicas=all has it. A replica that
does not answer is an entry with "replica" and "error", without an id.

Exit codes: 0 printed; 1 something else than coastwise answers there; 2 wrong
usage; 5 no server answers there.`,
		Example: `  coastwise proxies
  coastwise proxies --server 127.0.0.1:15014 -w

  # Which proxies are not in step?
  coastwise proxies --no-headers | grep lagging

  # What is wrong with single proxies?
  coastwise proxies -o wide`,
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := f.client()
			if err != nil {
				return err
			}
			defer client.http.CloseIdleConnections()
			if f.watch {
				return f.follow(cmd.Context(), client, p)
			}
			list, err := client.proxies(cmd.Context())
			if err != nil {
				return err
			}
			warn(p, list.unasked())
			if f.output == "json" {
				return encode(p.stdout, list)
			}
			_, err = io.WriteString(p.stdout, list.streams().table(!f.noHeaders, f.output == "wide"))
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.server, "server", defaultAdmin, "admin port of the server: HOST:PORT")
	flags.StringVarP(&f.output, "output", "o", "table", "table, wide or json")
	flags.BoolVarP(&f.watch, "watch", "w", false, "follow the server until interrupted")
	flags.BoolVar(&f.noHeaders, "no-headers", false, "no column titles in tables")
	completeValues(cmd, "output", "table", "wide", "json")
	completeNothing(cmd, "server")
	return cmd
}

// client reads the flags; the error lists every one that is wrong.
func (f *proxiesFlags) client() (*adminClient, error) {
	errs := &multierror.Error{ErrorFormat: lines}
	client, err := newAdminClient(f.server)
	if err != nil {
		errs = multierror.Append(errs, err)
	}
	if !slices.Contains([]string{"table", "wide", "json"}, f.output) {
		errs = multierror.Append(errs, fmt.Errorf("--output: %q: want table, wide or json", f.output))
	}
	if errs.ErrorOrNil() != nil {
		return nil, usageError{errs}
	}
	return client, nil
}

// printable is a client's own word, quoted where it would break the table or
// speak to the terminal.
func printable(s string) string {
	if quoted := strconv.Quote(s); quoted[1:len(quoted)-1] != s || strings.Contains(s, " ") {
		return quoted
	}
	return s
}

// aligned sets tab-separated rows in columns, without blanks at their ends.
func aligned(rows []string) string {
	var out strings.Builder
	tab := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(tab, r)
	}
	tab.Flush()
	var trimmed strings.Builder
	for line := range strings.Lines(out.String()) {
		trimmed.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return trimmed.String()
}

// watchEvery is how often -w asks.
const watchEvery = time.Second

// follow asks again and again until ctx ends. Only the first answer may fail: a
// server that goes away later is what one watches for.
func (f *proxiesFlags) follow(ctx context.Context, client *adminClient, p process) error {
	list, err := client.proxies(ctx)
	if err != nil {
		return orInterrupted(ctx, err)
	}
	show := f.appender(p)
	if p.terminal && f.output != "json" {
		show = f.redrawer(p, client.address)
	}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		if err := show(list, err, time.Now()); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if list, err = client.proxies(ctx); ctx.Err() != nil {
			return nil
		}
	}
}

// orInterrupted is nothing if the error is our own end.
func orInterrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// shower shows one answer of the server, or why there is none.
type shower func(list proxyList, failed error, now time.Time) error

// redrawer draws over what it drew before. Every line clears what is behind it,
// so that nothing flickers.
func (f *proxiesFlags) redrawer(p process, address string) shower {
	return func(list proxyList, failed error, now time.Time) error {
		text, streams := "", list.streams()
		if !f.noHeaders {
			text = fmt.Sprintf("%s  %s  %d streams\n\n", now.Format(time.TimeOnly), address, len(streams))
		}
		if failed != nil {
			text += failed.Error() + "\n"
		} else {
			text += streams.table(!f.noHeaders, f.output == "wide")
		}
		for _, line := range list.unasked() {
			text += line + "\n"
		}
		_, err := io.WriteString(p.stdout, "\x1b[H"+strings.ReplaceAll(text, "\n", "\x1b[K\n")+"\x1b[J")
		return err
	}
}

// appender writes what has changed since the answer before.
func (f *proxiesFlags) appender(p process) shower {
	a := &changes{process: p, json: f.output == "json", wide: f.output == "wide", headers: !f.noHeaders, rows: map[string]string{}}
	return a.show
}

// changes is what -w has printed so far.
type changes struct {
	process             process
	json, wide, headers bool
	rows                map[string]string // by stream: id, peer and begin
	order               []string
	last                string // -o json: the line before
	failed              string
	replicas            bool // the rows say which
	titled              bool // a line of titles was printed
	unasked             []string
}

func (c *changes) show(list proxyList, failed error, now time.Time) error {
	if failed != nil {
		if failed.Error() != c.failed {
			fmt.Fprintf(c.process.stderr, "%s %v\n", now.UTC().Format(time.RFC3339), failed)
		}
		c.failed = failed.Error()
		return nil
	}
	c.failed = ""
	if unasked := list.unasked(); !slices.Equal(unasked, c.unasked) {
		c.unasked = unasked
		warn(c.process, unasked)
	}
	text, err := "", error(nil)
	if c.json {
		text, err = c.line(list)
	} else {
		text = c.rowsOf(list.streams(), now)
	}
	if err != nil {
		return err
	}
	_, err = io.WriteString(c.process.stdout, text)
	return err
}

// line is the list as one line of JSON, or nothing if it was the last one too.
func (c *changes) line(list proxyList) (string, error) {
	text, err := compact(list)
	if err != nil || text == c.last {
		return "", err
	}
	c.last = text
	return text, nil
}

// rowsOf are the streams that are new, have changed or are gone.
func (c *changes) rowsOf(list proxyList, now time.Time) string {
	var rows, order []string
	if replicas := list.replicas() || c.replicas; replicas != c.replicas || !c.titled {
		c.replicas, c.titled = replicas, true
		if c.headers {
			rows = append(rows, "TIME\t"+proxyTitles(replicas))
		}
	}
	at := now.UTC().Format(time.RFC3339) + "\t"
	there := map[string]string{}
	for _, p := range list {
		key, row := fmt.Sprintf("%q %q %d", p.ID, p.Peer, p.Connected.UnixNano()), proxyRow(p, c.replicas, c.wide)
		order, there[key] = append(order, key), row
		if c.rows[key] != row {
			rows = append(rows, at+row)
		}
	}
	for _, key := range c.order {
		if _, still := there[key]; !still {
			rows = append(rows, at+gone(c.rows[key]))
		}
	}
	c.rows, c.order = there, order
	return aligned(rows)
}

// gone is the last row of a stream that has ended.
func gone(row string) string {
	cells := strings.Split(row, "\t")
	cells[3], cells[len(cells)-1] = "gone", ""
	return strings.Join(cells, "\t")
}
