package backend

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"google.golang.org/grpc"

	"github.com/coastwise/coastwise/e2e/proc"
	"github.com/coastwise/coastwise/e2e/where"
)

// Headers of every answer.
const (
	// EndpointHeader carries the address:port that the backend listens on.
	EndpointHeader = "X-Endpoint"
	// ZoneHeader carries the backend's region/zone.
	ZoneHeader = "X-Zone"
)

// command is the hidden first argument that makes a program a backend.
const command = "backend-child"

// Child serves and never returns if the program was started by Start; otherwise
// it returns at once. Call it first in main or TestMain.
func Child() {
	if len(os.Args) != 4 || os.Args[1] != command {
		return
	}
	fmt.Fprintln(os.Stderr, serve(os.Args[2], os.Args[3]))
	os.Exit(1)
}

// serve answers on address until the process is killed; it returns only errors.
func serve(address, zone string) error {
	var both http.Protocols
	both.SetHTTP1(true)
	both.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: Handler(address, zone), ReadHeaderTimeout: 10 * time.Second, Protocols: &both}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	return server.Serve(l)
}

// Handler answers every request with 200 and the two headers, and those of gRPC by
// package where.
func Handler(address, zone string) http.Handler {
	rpc := grpc.NewServer()
	where.Register(rpc, address, zone)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
			rpc.ServeHTTP(w, r)
			return
		}
		w.Header().Set(EndpointHeader, address)
		w.Header().Set(ZoneHeader, zone)
		fmt.Fprintf(w, "%s %s\n", zone, address)
	})
}

// Start runs this very program again as a backend that listens on address
// (IP:PORT) and says that it is in zone. Errors of the child go to log.
// Call WaitListening before sending requests.
func Start(address, zone string, log io.Writer) (*proc.Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	cmd := exec.Command(self, command, address, zone)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	cmd.Stderr = log
	return proc.Start("backend "+address, cmd)
}

// WaitListening returns when the backend accepts connections.
func WaitListening(p *proc.Process, address string, deadline time.Time) error {
	return p.Await(deadline, func() error {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return err
		}
		return conn.Close()
	})
}
