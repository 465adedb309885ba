package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
)

// options are the flags.
type options struct {
	coastwise, envoy string
	kinds            []string
	services         []int
	ports, endpoints int
	updates          int
	shapes           bool
	overlay          string
}

func main() {
	var o options
	var kinds, services string
	flag.StringVar(&o.coastwise, "coastwise", "", "path of the coastwise binary (required)")
	flag.StringVar(&o.envoy, "envoy", "", "path of the Envoy binary (required)")
	flag.StringVar(&kinds, "kinds", "sidecar,captured,waypoint,hbone", "which proxies: sidecar, captured, waypoint (PROXY form), hbone (waypoint of the HBONE form)")
	flag.StringVar(&services, "services", "100,300,1000", "how many services")
	flag.IntVar(&o.ports, "ports", 2, "HTTP ports of each service")
	flag.IntVar(&o.endpoints, "endpoints", 3, "endpoints of each service")
	flag.IntVar(&o.updates, "updates", 5, "how often each update is made; 0 measures none")
	flag.StringVar(&o.overlay, "overlay", "", "YAML file that is laid over each bootstrap")
	flag.BoolVar(&o.shapes, "shapes", false, "measure other shapes of a waypoint's listener instead, each in an Envoy of its own without a server")
	flag.Parse()
	err := o.read(kinds, services)
	if err == nil && flag.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cost:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	what := o.measure
	if o.shapes {
		what = o.static
	}
	if err := what(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "cost:", err)
		os.Exit(1)
	}
}

// read checks the flags.
func (o *options) read(kinds, services string) error {
	if o.coastwise == "" || o.envoy == "" {
		return fmt.Errorf("--coastwise and --envoy are required; use `make cost`")
	}
	for _, kind := range strings.Split(kinds, ",") {
		if _, ok := forms[kind]; !ok {
			return fmt.Errorf("--kinds: there is no %q", kind)
		}
		o.kinds = append(o.kinds, kind)
	}
	for _, s := range strings.Split(services, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxServices {
			return fmt.Errorf("--services: %q is no number from 1 to %d", s, maxServices)
		}
		o.services = append(o.services, n)
	}
	if o.ports < 1 || o.ports > maxPorts || o.endpoints < 1 || o.endpoints > maxEndpoints || o.updates < 0 {
		return fmt.Errorf("--ports is 1 to %d, --endpoints 1 to %d, --updates at least 0", maxPorts, maxEndpoints)
	}
	return nil
}

// measure prints a row for each proxy as it is measured.
func (o *options) measure(ctx context.Context) error {
	for _, kind := range o.kinds {
		fmt.Printf("%s, %d ports and %d endpoints each:\n", kind, o.ports, o.endpoints)
		var rows []result
		for _, n := range o.services {
			r, err := o.one(ctx, kind, n)
			if err != nil {
				return fmt.Errorf("%s with %d services: %w", kind, n, err)
			}
			rows = append(rows, r)
		}
		if err := show(rows); err != nil {
			return err
		}
	}
	return nil
}

func show(rows []result) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "services\tenvoy cpu\tserver cpu\tquiet after\tenvoy RSS\tidle\tLDS\tCDS\tEDS\tRDS\t")
	for _, r := range rows {
		fmt.Fprintf(w, "%d\t%.2f s\t%.2f s\t%.1f s\t%d MB\t%.1f ms/s\t", r.services, r.first.envoy.Seconds(), r.first.server.Seconds(),
			r.first.took.Seconds(), r.rss>>20, r.idle*1000)
		for _, t := range []string{"Listener", "Cluster", "ClusterLoadAssignment", "RouteConfiguration"} {
			fmt.Fprintf(w, "%s\t", r.pushed[t])
		}
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w, "one update\tenvoy cpu\tserver cpu\tchains drained\t")
	for _, r := range rows {
		for _, u := range r.updates {
			fmt.Fprintf(w, "%d: %s\t%.0f ms\t%.0f ms\t%d\t\n", r.services, u.what, ms(u.envoy), ms(u.server), u.drained)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, r := range rows {
		if r.late > 0 {
			fmt.Printf("with %d services %d resources came later than 15 s after the Envoy had asked: this machine is busy\n", r.services, r.late)
		}
	}
	fmt.Println()
	return nil
}
