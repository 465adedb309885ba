package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/coastwise/coastwise/e2e/loopback"
	"github.com/coastwise/coastwise/e2e/proc"
)

// patience is how long any step may take; a loaded machine is slow to start.
const patience = 60 * time.Second

// Options says what differs from the usual cluster.
type Options struct {
	// Controllers are further controllers by the names that
	// kube-controller-manager knows, beside BaseControllers.
	Controllers []string
	// NoControllers leaves kube-controller-manager out: no ServiceAccounts, no
	// EndpointSlices but those that the test writes.
	NoControllers bool
	// APIServerFlags are appended to those of kube-apiserver.
	APIServerFlags []string
}

// Cluster is a running control plane.
type Cluster struct {
	options Options
	bin     string
	dir     string
	block   *loopback.Block
	pods    *loopback.Pods
	shared  bool

	etcd, apiserver *proc.Process
	managers        []*proc.Process

	config  *rest.Config
	client  kubernetes.Interface
	dynamic dynamic.Interface
}

// Start runs a cluster for one test, in some 5 s, and ends it after the test. If the
// test failed the ends of the logs are printed.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	c, err := start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			c.showLogs(t)
		}
		if err := c.stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func start(o Options) (c *Cluster, err error) {
	bin, err := Binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "coastwise-cluster-")
	if err != nil {
		return nil, err
	}
	c = &Cluster{options: o, bin: bin, dir: dir}
	defer func() {
		if err != nil {
			_ = c.stop()
		}
	}()
	if c.block, err = loopback.Claim(); err != nil {
		return c, err
	}
	if c.pods, err = c.block.Pods(); err != nil {
		return c, err
	}
	if err := c.writeFiles(); err != nil {
		return c, fmt.Errorf("preparing a cluster: %w", err)
	}
	if err := c.startEtcd(); err != nil {
		return c, err
	}
	if err := c.startAPIServer(); err != nil {
		return c, err
	}
	if o.NoControllers {
		return c, nil
	}
	return c, c.startControllers(append(BaseControllers(), o.Controllers...))
}

// stop ends everything, each by its process id: kube-apiserver lingers where etcd
// goes first.
func (c *Cluster) stop() error {
	for _, p := range c.managers {
		p.Stop(5 * time.Second)
	}
	if c.apiserver != nil {
		c.apiserver.Stop(apiGrace)
	}
	if c.etcd != nil {
		c.etcd.Stop(etcdGrace)
	}
	if c.pods != nil {
		if err := c.pods.Release(); err != nil {
			return err
		}
	}
	if c.block != nil {
		c.block.Release()
	}
	return os.RemoveAll(c.dir)
}

func (c *Cluster) showLogs(t testing.TB) {
	logs, _ := filepath.Glob(filepath.Join(c.dir, "*.log"))
	for _, path := range logs {
		content, _ := os.ReadFile(path)
		t.Logf("%s:\n%s", filepath.Base(path), content[max(0, len(content)-3000):])
	}
}

// run starts one of the programs; its log is NAME.log in the cluster's folder.
func (c *Cluster) run(program string, args ...string) (*proc.Process, error) {
	log, err := os.OpenFile(filepath.Join(c.dir, program+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := command(filepath.Join(c.bin, program), args...)
	cmd.Dir = c.dir
	cmd.Stdout, cmd.Stderr = log, log
	return proc.Start(program, cmd)
}

// Dir is a folder of the cluster's own, gone with it: kubeconfigs, logs, etcd's data.
func (c *Cluster) Dir() string { return c.dir }

// Client is the administrator's typed client, without a rate limit of its own.
func (c *Cluster) Client() kubernetes.Interface { return c.client }

// Dynamic is the administrator's client for kinds without Go types.
func (c *Cluster) Dynamic() dynamic.Interface { return c.dynamic }

// Config is the administrator's configuration of a client, a copy.
func (c *Cluster) Config() *rest.Config { return rest.CopyConfig(c.config) }

// ctx limits one request of a test, also in its cleanup, when t.Context is over.
func ctx() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}
