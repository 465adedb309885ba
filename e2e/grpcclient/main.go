package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	_ "google.golang.org/grpc/xds" // the xds resolver and balancers

	"github.com/coastwise/coastwise/e2e/where"
)

// client sends requests on one channel.
type client struct {
	conn     *grpc.ClientConn
	target   string
	parallel int
	timeout  time.Duration
	key      string // a metadata key that gets another value in each request
}

// Tally is who answered how often; its JSON is a contract.
type Tally struct {
	Target    string         `json:"target"`
	Requests  int            `json:"requests"`
	Failures  map[string]int `json:"failures"`
	Endpoints map[string]int `json:"endpoints"`
	Zones     map[string]int `json:"zones"`
}

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("grpcclient", flag.ContinueOnError)
	var c client
	flags.StringVar(&c.target, "target", "", "what to dial, such as xds:///reviews.default:80")
	flags.IntVar(&c.parallel, "parallel", 8, "requests at a time")
	flags.DurationVar(&c.timeout, "timeout", 20*time.Second, "of one request")
	flags.StringVar(&c.key, "key", "", "metadata key that gets the number of the request, modulo 100, as its value")
	count := flags.Int("count", 0, "requests to send; 0 reads numbers from the standard input")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var err error
	if c.conn, err = grpc.NewClient(c.target, grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
		return err
	}
	defer c.conn.Close()
	if *count > 0 {
		return json.NewEncoder(out).Encode(c.send(*count))
	}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		n, err := strconv.Atoi(strings.TrimSpace(lines.Text()))
		if err != nil || n < 1 {
			return fmt.Errorf("%q is no number of requests", lines.Text())
		}
		if err := json.NewEncoder(out).Encode(c.send(n)); err != nil {
			return err
		}
	}
	return lines.Err()
}

// send sends n requests and counts the answers.
func (c *client) send(n int) Tally {
	t := Tally{Target: c.target, Requests: n, Failures: map[string]int{}, Endpoints: map[string]int{}, Zones: map[string]int{}}
	var mu sync.Mutex
	var workers sync.WaitGroup
	turns := make(chan int)
	for range c.parallel {
		workers.Go(func() {
			for i := range turns {
				address, zone, err := c.ask(i)
				mu.Lock()
				t.count(address, zone, err)
				mu.Unlock()
			}
		})
	}
	for i := range n {
		turns <- i
	}
	close(turns)
	workers.Wait()
	return t
}

func (c *client) ask(i int) (address, zone string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	if c.key != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, c.key, strconv.Itoa(i%100))
	}
	return where.Ask(ctx, c.conn)
}

func (t *Tally) count(address, zone string, err error) {
	if err != nil {
		s := status.Convert(err)
		t.Failures[s.Code().String()+": "+s.Message()]++
		return
	}
	t.Endpoints[address]++
	t.Zones[zone]++
}
