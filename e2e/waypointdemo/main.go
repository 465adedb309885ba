package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/coastwise/coastwise/e2e/backend"
)

// options are the flags.
type options struct {
	coastwise, envoy, manifests, bind string
	stay                              bool
	window                            time.Duration
}

func main() {
	backend.Child()
	var o options
	flag.StringVar(&o.coastwise, "coastwise", "", "path of the coastwise binary (required)")
	flag.StringVar(&o.envoy, "envoy", "", "path of the Envoy binary (required)")
	flag.StringVar(&o.manifests, "manifests", "samples/waypoint", "folder of the sample")
	flag.StringVar(&o.bind, "bind", "127.0.0", "first three numbers of the addresses that the waypoints listen on")
	flag.DurationVar(&o.window, "window", 6*time.Second, "how long each share is measured")
	flag.BoolVar(&o.stay, "stay", false, "keep everything running at the end")
	flag.Parse()
	if o.coastwise == "" || o.envoy == "" || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "waypointdemo: --coastwise and --envoy are required; use `make waypoint`")
		os.Exit(2)
	}
	os.Exit(run(o))
}

// run is main with an exit code: 0 all as predicted, 1 not, 130 interrupted.
func run(o options) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	w := &world{options: o}
	defer w.close()
	wrong, err := w.play(ctx)
	switch {
	case ctx.Err() != nil:
		return 130
	case err != nil:
		fmt.Fprintln(os.Stderr, "waypointdemo:", err)
		return 1
	}
	for _, line := range wrong {
		fmt.Println("wrong:", line)
	}
	if len(wrong) > 0 {
		fmt.Println("FAIL")
		return 1
	}
	fmt.Println("PASS: every share as translate predicts (within 5 points), and no request failed")
	if o.stay {
		w.invite()
		<-ctx.Done()
	}
	return 0
}
