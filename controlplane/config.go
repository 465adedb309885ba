package controlplane

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/hashicorp/go-multierror"
)

// Config is what serve was told. The zero PublishInterval is allowed: no pause.
type Config struct {
	// From are files and folders of manifests.
	From []string
	// TLSDirs are folders of secrets, as files.CheckTLSDirs returns them.
	TLSDirs []string
	// XDS and Admin are host:port; Debug too, or empty for off. Port 0 takes a
	// free one, which the log names.
	XDS, Admin, Debug string
	// Suspend makes everything flat (semantics 3.1).
	Suspend bool
	// LocalityDefault is PILOT_ENABLE_LOCALITY_LOAD_BALANCING (semantics 3.4).
	LocalityDefault bool
	// PublishInterval is the least time between two publishes.
	PublishInterval time.Duration
	Log             *slog.Logger
	// Kube is the API server to watch, Clients how clients are verified, Replica
	// which of several servers this is.
	Kube    KubeConfig
	Clients ClientsConfig
	Replica ReplicaConfig
	// Ztunnels says what ztunnels are told, and who may be one.
	Ztunnels ZtunnelConfig
	// Limits bound what clients of the xDS port can cost.
	Limits LimitsConfig
}

// ConfigError lists everything that is wrong with a Config: wrong usage, not a
// failure of the server.
type ConfigError struct{ Err *multierror.Error }

// Error lists the mistakes, one a line.
func (e *ConfigError) Error() string { return e.Err.Error() }

// Unwrap gives the list.
func (e *ConfigError) Unwrap() error { return e.Err }

// Validate returns a *ConfigError with every mistake, or nil.
func (c Config) Validate() error {
	errs := &multierror.Error{ErrorFormat: oneALine}
	if len(c.From) == 0 && !c.Kube.given() {
		errs = multierror.Append(errs, errors.New("--from, --kubeconfig: give at least one file or folder of manifests, or a cluster to watch (this process runs in no Pod of one)"))
	}
	if _, _, err := net.SplitHostPort(c.Admin); err != nil {
		errs = multierror.Append(errs, fmt.Errorf("--admin: %q: %w", c.Admin, hostPort(err)))
	}
	if c.Debug != "" {
		if err := loopback(c.Debug); err != nil {
			errs = multierror.Append(errs, fmt.Errorf("--debug: %w", err))
		}
	}
	if c.PublishInterval < 0 {
		errs = multierror.Append(errs, fmt.Errorf("--publish-interval: %s is negative", c.PublishInterval))
	}
	errs = multierror.Append(errs, c.Kube.mistakes()...)
	errs = multierror.Append(errs, c.clientMistakes()...)
	errs = multierror.Append(errs, c.Replica.mistakes(c.Clients)...)
	errs = multierror.Append(errs, c.Ztunnels.mistakes()...)
	errs = multierror.Append(errs, c.Limits.mistakes()...)
	if errs.ErrorOrNil() == nil {
		return nil
	}
	return &ConfigError{Err: errs}
}

// errBeyond is that others than this machine reach an address.
var errBeyond = errors.New("is not a loopback address")

// loopback wants host:port with a host that only this machine reaches; it is errBeyond
// that others do.
func loopback(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q: %w", address, hostPort(err))
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return fmt.Errorf("%q: %q is no port", address, port)
	}
	if host == "localhost" {
		return nil
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("%q %w, which are 127.0.0.0/8, [::1] and localhost", address, errBeyond)
}

func hostPort(err error) error {
	var addr *net.AddrError
	if errors.As(err, &addr) {
		return fmt.Errorf("%s; want HOST:PORT", addr.Err)
	}
	return err
}

func oneALine(errs []error) string {
	lines := make([]string, len(errs))
	for i, err := range errs {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}
