package gate

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/xds" // the xds resolver and balancers

	"github.com/coastwise/coastwise/e2e/backend"
	"github.com/coastwise/coastwise/e2e/proc"
	"github.com/coastwise/coastwise/e2e/where"
)

// command is the hidden first argument that makes a program a gate.
const command = "grpc-gate-child"

// timeout is that of one call.
const timeout = 5 * time.Second

// Child serves and never returns if the program was started by Start; otherwise it
// returns at once.
func Child() {
	if len(os.Args) != 4 || os.Args[1] != command {
		return
	}
	fmt.Fprintln(os.Stderr, serve(os.Args[2], os.Args[3]))
	os.Exit(1)
}

// Start runs this very program again as a client of target (xds:///HOST:PORT) with a
// bootstrap; HTTP comes to address (IP:PORT). Errors of the child go to log.
func Start(address, target string, bootstrap []byte, log io.Writer) (*proc.Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	cmd := exec.Command(self, command, address, target)
	cmd.Env = append(os.Environ(), "GRPC_XDS_BOOTSTRAP_CONFIG="+string(bootstrap))
	cmd.Stderr = log
	return proc.Start("gRPC client of "+target, cmd)
}

func serve(address, target string) error {
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.Connect()
	server := &http.Server{Addr: address, Handler: handler(conn), ReadHeaderTimeout: 10 * time.Second}
	return server.ListenAndServe()
}

// handler answers with who answered, in a backend's headers, or 503.
func handler(conn *grpc.ClientConn) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		endpoint, zone, err := where.Ask(ctx, conn)
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Header().Set(backend.EndpointHeader, endpoint)
		w.Header().Set(backend.ZoneHeader, zone)
	})
}
