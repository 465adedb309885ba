package envoyproc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/coastwise/coastwise/e2e/proc"
)

// Config says what to start.
type Config struct {
	// Binary is the path of Envoy.
	Binary string
	// Name is unique in Dir; the bootstrap and the log are NAME.yaml and NAME.log.
	Name string
	Dir  string
	// Bootstrap is written as it is.
	Bootstrap []byte
	// Admin is the IP:PORT of the admin listener in the bootstrap.
	Admin string
	// LogLevel is "warn" if empty.
	LogLevel string
	// UID is the user that Envoy runs as, who must be able to reach Binary and Dir; 0 is ours.
	UID uint32
}

// Envoy is one running Envoy.
type Envoy struct {
	*proc.Process
	// Log is the path of Envoy's own log, Output of what it printed: access logs.
	Log, Output string

	admin  string
	client *http.Client
}

// Start starts an Envoy; it does not wait for it.
func Start(c Config) (*Envoy, error) {
	bootstrap := filepath.Join(c.Dir, c.Name+".yaml")
	if err := os.WriteFile(bootstrap, c.Bootstrap, 0o600); err != nil {
		return nil, fmt.Errorf("writing the bootstrap of %s: %w", c.Name, err)
	}
	level := c.LogLevel
	if level == "" {
		level = "warn"
	}
	output, err := os.Create(filepath.Join(c.Dir, c.Name+".out"))
	if err != nil {
		return nil, err
	}
	defer output.Close()
	log := filepath.Join(c.Dir, c.Name+".log")
	cmd := exec.Command(c.Binary, "-c", bootstrap, "-l", level, "--log-path", log,
		"--concurrency", "1", "--disable-hot-restart", "--file-flush-interval-msec", "500")
	cmd.Stdout, cmd.Stderr = output, output
	if c.UID != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: c.UID, Gid: c.UID}}
		if err := own(c.UID, bootstrap, output.Name(), log); err != nil {
			return nil, err
		}
	}
	p, err := proc.Start("Envoy "+c.Name, cmd)
	if err != nil {
		return nil, err
	}
	return &Envoy{Process: p, Log: log, Output: output.Name(), admin: c.Admin, client: &http.Client{Timeout: 5 * time.Second}}, nil
}

// own gives files to a user, those that are not there yet too.
func own(uid uint32, paths ...string) error {
	for _, path := range paths {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Chown(int(uid), int(uid)), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// WaitReady returns when /ready says LIVE: the first clusters and listeners are
// there, or their 15 s of patience are over.
func (e *Envoy) WaitReady(deadline time.Time) error {
	return e.Await(deadline, func() error {
		_, err := e.Get(context.Background(), "/ready")
		return err
	})
}

// Get reads one admin page; anything but 200 is an error.
func (e *Envoy) Get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+e.admin+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s: %.200s", path, resp.Status, body)
	}
	return body, nil
}

// Host is one endpoint as a cluster of Envoy holds it.
type Host struct {
	// Address is IP:PORT.
	Address  string
	Priority uint32
	// Healthy is what the control plane said, not what Envoy saw.
	Healthy bool
	Zone    string
}

// ErrNoCluster says that Envoy does not have the cluster.
var ErrNoCluster = errors.New("no such cluster")

// Hosts are the endpoints of one cluster, in no order.
func (e *Envoy) Hosts(ctx context.Context, cluster string) ([]Host, error) {
	body, err := e.Get(ctx, "/clusters?format=json")
	if err != nil {
		return nil, err
	}
	return parseHosts(body, cluster)
}

// clustersPage is the part of /clusters?format=json that is read.
type clustersPage struct {
	Statuses []struct {
		Name  string `json:"name"`
		Hosts []struct {
			Address struct {
				Socket struct {
					Address string `json:"address"`
					Port    uint32 `json:"port_value"`
				} `json:"socket_address"`
			} `json:"address"`
			Health struct {
				EDS string `json:"eds_health_status"`
			} `json:"health_status"`
			Locality struct {
				Zone string `json:"zone"`
			} `json:"locality"`
			Priority uint32 `json:"priority"`
		} `json:"host_statuses"`
	} `json:"cluster_statuses"`
}

func parseHosts(body []byte, cluster string) ([]Host, error) {
	var page clustersPage
	if err := json.Unmarshal(body, &page); err != nil {
		return nil, fmt.Errorf("reading /clusters: %w", err)
	}
	for _, status := range page.Statuses {
		if status.Name != cluster {
			continue
		}
		hosts := make([]Host, 0, len(status.Hosts))
		for _, h := range status.Hosts {
			hosts = append(hosts, Host{
				Address:  fmt.Sprintf("%s:%d", h.Address.Socket.Address, h.Address.Socket.Port),
				Priority: h.Priority,
				Healthy:  h.Health.EDS == "HEALTHY",
				Zone:     h.Locality.Zone,
			})
		}
		return hosts, nil
	}
	return nil, fmt.Errorf("%s: %w", cluster, ErrNoCluster)
}
