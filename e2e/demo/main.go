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
	"time"

	"github.com/coastwise/coastwise/e2e/backend"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/gate"
)

func main() {
	backend.Child()
	gate.Child()
	os.Exit(run())
}

// options are the flags of the demo.
type options struct {
	coastwise, envoy, seed string
	stay                   bool
}

func parse() options {
	var o options
	flag.StringVar(&o.coastwise, "coastwise", "", "path of the coastwise binary (required)")
	flag.StringVar(&o.envoy, "envoy", "", "path of the Envoy binary (required)")
	flag.StringVar(&o.seed, "seed", "", "draw other regions, zones and replica counts: any whole number")
	flag.BoolVar(&o.stay, "stay", false, "keep everything running after the last chapter")
	flag.Parse()
	return o
}

// run is main with an exit code: 0 all held, 1 something did not, 2 usage, 130
// interrupted.
func run() int {
	o := parse()
	layout := DefaultLayout()
	if o.seed != "" {
		seed, err := strconv.ParseInt(o.seed, 10, 64)
		if err != nil {
			fmt.Fprintf(os.Stderr, "demo: the seed %q is not a whole number of 64 bits\n", o.seed)
			return 2
		}
		layout = RandomLayout(seed)
	}
	if o.coastwise == "" || o.envoy == "" || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "demo: --coastwise and --envoy are required, and nothing else; use `make demo`")
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	work, err := os.MkdirTemp("", "coastwise-demo-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		return 1
	}
	code := demo(ctx, o, layout, work)
	if code == 1 {
		fmt.Fprintf(os.Stderr, "demo: manifests and logs are kept in %s\n", work)
		return code
	}
	_ = os.RemoveAll(work)
	return code
}

// demo starts the world, plays it and reports.
func demo(ctx context.Context, o options, l Layout, work string) int {
	began := time.Now()
	screen := newScreen()
	introduce(l, screen)
	world, err := NewWorld(ctx, l, coastwise.Binary(o.coastwise), o.envoy, work)
	defer world.Close()
	var wrong []string
	if err == nil {
		fmt.Printf("started in %.1f s: %d backends, %d Envoys, a gRPC client, coastwise; manifests in %s\n",
			time.Since(began).Seconds(), len(world.backends), len(world.clients)-1, world.dir)
		player := NewPlayer(world, screen)
		wrong, err = player.Play(ctx)
		player.Stop()
	}
	if ctx.Err() != nil {
		fmt.Println("interrupted")
		return 130
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "demo: %v\n", err)
	}
	code := summarize(o, wrong, err, time.Since(began))
	if o.stay && err == nil {
		invite(world)
		<-ctx.Done()
		fmt.Println("\nstopping")
	}
	return code
}

// summarize prints the end and gives the exit code.
func summarize(o options, wrong []string, err error, took time.Duration) int {
	name := "the default layout"
	if o.seed != "" {
		name = "SEED=" + o.seed
	}
	fmt.Println()
	if len(wrong) == 0 && err == nil {
		fmt.Printf("PASS in %.0f s, %s: every share as predicted, nothing forbidden reached, no late failure\n", took.Seconds(), name)
		return 0
	}
	for _, w := range wrong {
		fmt.Println("WRONG:", w)
	}
	fmt.Printf("FAIL in %.0f s, %s\n", took.Seconds(), name)
	return 1
}

func newScreen() *Screen {
	info, err := os.Stdout.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
	return &Screen{Out: os.Stdout, Terminal: terminal, Style: Style{Colour: terminal && os.Getenv("NO_COLOR") == ""}}
}

// introduce says what is going to be seen.
func introduce(l Layout, s *Screen) {
	fmt.Println(s.Style.paint(bold, "coastwise demo")+": one client with a real Envoy in each zone, and a gRPC client without one, call", serviceName+"."+serviceNamespace)
	for _, z := range l.Zones {
		note := plural(len(z.Endpoints), "endpoint")
		for _, e := range z.Endpoints {
			if e.Node == l.Missing {
				note += ", the Node of one is missing"
			}
		}
		fmt.Printf("  %-9s %-10s %s\n", z, z.Role, note)
	}
	fmt.Printf("clients of %s may never reach %s; cells are percent of requests, measured/predicted\n",
		strings.Join(l.Regions(Home, Failover), " and "), strings.Join(l.Regions(Forbidden), " or "))
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// invite prints commands to play with.
func invite(w *World) {
	c, z := w.clients[0].Flags, w.layout.Zones[0]
	file, _ := SliceFile(z, nil, w.addresses, w.ports.Backend)
	fmt.Printf(`
Everything keeps running. In another terminal:

  # who answers a client in %[1]s
  curl -si -H 'Host: %[2]s.%[3]s' http://%[4]s/ | grep -i x-zone
  # what that client was sent, and why
  %[5]s translate -f %[6]s --namespace %[7]s --locality %[1]s --service %[2]s.%[3]s:80
  # let the zone's endpoints be unready, then ready again
  sed -i 's/ready: true/ready: false/' %[6]s/%[8]s
  sed -i 's/ready: false/ready: true/' %[6]s/%[8]s
  # locality off for everybody
  sed -i 's/enabled: true/enabled: false/' %[6]s/mesh.yaml
  # what the Envoy holds, and who is connected
  curl -s http://%[9]s/clusters | grep %[2]s | grep -E '::(priority|zone|health_flags)::'
  curl -s http://%[10]s/proxies

Ctrl-C ends it.
`, z, serviceName, serviceNamespace, c.Proxy(), w.binary, w.dir, c.Namespace, file, c.Admin(), w.server.Admin)
}
