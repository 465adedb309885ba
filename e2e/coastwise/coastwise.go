package coastwise

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/coastwise/coastwise/e2e/proc"
)

// Binary is the path of coastwise.
type Binary string

// Client is the client flags that bootstrap and translate share; empty ones are
// not given.
type Client struct {
	ID        string
	Kind      string
	Namespace string
	Node      string
	Locality  string
	Network   string
	Labels    string
	Scope     string
	// Gateway is NS/NAME of the Gateway that the client runs.
	Gateway string
	// Bind is the address of all of that proxy's ports.
	Bind          string
	HTTPProxyPort int
	Capture       bool
	// Connect lets the HTTP proxy port take CONNECT.
	Connect bool
	// AdminPort and AdminBind are bootstrap's only.
	AdminPort int
	AdminBind string
	// Secure are bootstrap's flags about certificates and tokens.
	Secure []string
}

func (c Client) flags() []string {
	var out []string
	add := func(name, value string) {
		if value != "" && value != "0" {
			out = append(out, "--"+name, value)
		}
	}
	add("id", c.ID)
	add("kind", c.Kind)
	add("namespace", c.Namespace)
	add("node", c.Node)
	add("locality", c.Locality)
	add("network", c.Network)
	add("labels", c.Labels)
	add("scope", c.Scope)
	add("gateway", c.Gateway)
	add("bind", c.Bind)
	add("http-proxy-port", strconv.Itoa(c.HTTPProxyPort))
	if c.Connect {
		out = append(out, "--connect")
	}
	if c.Capture {
		out = append(out, "--capture")
	}
	return out
}

// Proxy is the IP:PORT of the client's HTTP proxy port.
func (c Client) Proxy() string { return net.JoinHostPort(c.Bind, strconv.Itoa(c.HTTPProxyPort)) }

// Admin is the IP:PORT of the client's Envoy's admin port, which is not open to all
// unless AdminBind says so.
func (c Client) Admin() string {
	bind := c.AdminBind
	if bind == "" && net.ParseIP(c.Bind).IsLoopback() {
		bind = c.Bind
	}
	if bind == "" {
		bind = "127.0.0.1"
	}
	return net.JoinHostPort(bind, strconv.Itoa(c.AdminPort))
}

// Bootstrap is what `coastwise bootstrap` prints.
func (b Binary) Bootstrap(ctx context.Context, c Client, xds string) ([]byte, error) {
	args := append([]string{"bootstrap"}, c.flags()...)
	args = append(args, "--xds", xds)
	if c.AdminPort != 0 {
		args = append(args, "--admin-port", strconv.Itoa(c.AdminPort))
	}
	if c.AdminBind != "" {
		args = append(args, "--admin-bind", c.AdminBind)
	}
	return b.run(ctx, append(args, c.Secure...)...)
}

// Translate is what `coastwise translate -o json` says that the client receives
// from dir; service is HOST[:PORT], or "" for all.
func (b Binary) Translate(ctx context.Context, dir string, c Client, service string) (Answer, error) {
	var a Answer
	out, err := b.translate(ctx, dir, c, service, "json")
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(out, &a); err != nil {
		return a, fmt.Errorf("reading the JSON of translate: %w", err)
	}
	return a, nil
}

// TranslateEnvoy is what `coastwise translate -o envoy` prints.
func (b Binary) TranslateEnvoy(ctx context.Context, dir string, c Client) ([]byte, error) {
	return b.translate(ctx, dir, c, "", "envoy")
}

func (b Binary) translate(ctx context.Context, dir string, c Client, service, format string) ([]byte, error) {
	args := append([]string{"translate", "-f", dir, "-o", format}, c.flags()...)
	if service != "" {
		args = append(args, "--service", service)
	}
	return b.run(ctx, args...)
}

func (b Binary) run(ctx context.Context, args ...string) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, string(b), args...)
	cmd.Env = environment()
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("coastwise %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.Bytes(), nil
}

// environment is ours without what would change the mesh's defaults.
func environment() []string {
	var out []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "PILOT_") {
			out = append(out, kv)
		}
	}
	return out
}

// Serve is how to run `coastwise serve`.
type Serve struct {
	From []string
	// Kubeconfig is the path of a kubeconfig, or "" to watch no API server.
	Kubeconfig string
	// Args are appended to the command line. Without them it drains at once.
	Args []string
	// Env is NAME=VALUE, on top of our own environment.
	Env []string
	// TLSDirs are folders of secrets.
	TLSDirs []string
	// XDS and Admin are IP:PORT.
	XDS, Admin string
	// Debug is IP:PORT, or "" for none.
	Debug string
	// Log is the path of the file that gets its log; it is appended to.
	Log string
}

// Server is a running `coastwise serve`.
type Server struct {
	*proc.Process
	Serve
}

// Start starts serve; it does not wait for it.
func (b Binary) Start(s Serve) (*Server, error) {
	log, err := os.OpenFile(s.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	args := []string{"serve", "--xds", s.XDS, "--admin", s.Admin, "--drain-time", "0s"}
	for _, path := range s.From {
		args = append(args, "--from", path)
	}
	if s.Kubeconfig != "" {
		args = append(args, "--kubeconfig", s.Kubeconfig)
	}
	for _, dir := range s.TLSDirs {
		args = append(args, "--tls-dir", dir)
	}
	if s.Debug != "" {
		args = append(args, "--debug", s.Debug)
	}
	cmd := exec.Command(string(b), append(args, s.Args...)...)
	cmd.Env = append(environment(), s.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	p, err := proc.Start("coastwise serve", cmd)
	if err != nil {
		return nil, err
	}
	return &Server{Process: p, Serve: s}, nil
}

// WaitReady returns when /readyz says so.
func (s *Server) WaitReady(deadline time.Time) error {
	client := http.Client{Timeout: time.Second}
	return s.Await(deadline, func() error {
		resp, err := client.Get("http://" + s.Admin + "/readyz")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("/readyz: %s", resp.Status)
		}
		return nil
	})
}
