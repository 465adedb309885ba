package kubereplicas_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/coastwise"
)

// replica is one coastwise, the process of one Pod.
type replica struct {
	*coastwise.Server
	world           *world
	name, ip, token string
}

// replica makes a Pod as deploy/coastwise.yaml does, starts its process and makes the
// Pod ready once the process is.
func (w *world) replica(ip, node string) *replica {
	w.Helper()
	r := &replica{world: w, ip: ip, name: fmt.Sprintf("coastwise-%s-%d", w.namespace, w.pods)}
	w.pods++
	w.cluster.Pod(w, cluster.Pod{
		Namespace: system, Name: r.name, Node: node, IPs: []string{ip}, Account: account, NeverReady: true, Grace: 45,
		Labels: map[string]string{"app.kubernetes.io/name": "coastwise"},
	})
	w.Cleanup(r.remove)
	r.token = filepath.Join(w.dir, r.name+".token")
	w.token(r.token, system, account, r.name)
	r.start()
	return r
}

// remove takes the Pod away, unless it is gone.
func (r *replica) remove() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	pods := r.world.cluster.Client().CoreV1().Pods(system)
	if err := pods.Delete(ctx, r.name, *metav1.NewDeleteOptions(0)); err != nil && !apierrors.IsNotFound(err) {
		r.world.Error(err)
	}
}

// start starts the process of the Pod, also again.
func (r *replica) start() {
	w := r.world
	w.Helper()
	in := func(name string) string { return filepath.Join(w.server, name) }
	server, err := tools.Coastwise.Start(coastwise.Serve{
		Kubeconfig: w.cluster.KubeconfigFor(w, system, account), TLSDirs: []string{w.credentials},
		XDS: r.ip + ":15010", Admin: r.ip + ":15014",
		Args: []string{
			"--peer", r.ip + ":15011", "--peer-token-file", r.token,
			"--tls-cert", in("tls.crt"), "--tls-key", in("tls.key"), "--client-ca", in("ca.crt"),
			"--drain-delay", "500ms", "--drain-time", "2s",
		},
		Env: []string{"POD_NAMESPACE=" + system, "POD_NAME=" + r.name},
		Log: filepath.Join(w.dir, r.name+".log"),
	})
	if err != nil {
		w.Fatal(err)
	}
	r.Server = server
	w.Cleanup(func() {
		server.Signal(syscall.SIGCONT)
		server.Stop(5 * time.Second)
	})
	if err := server.WaitReady(time.Now().Add(patience)); err != nil {
		w.Fatal(err)
	}
	w.cluster.SetReady(w, system, r.name, true)
}

// page is a page of the admin port.
func (r *replica) page(path string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.Admin+path, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// counts waits until a figure of /metrics is not 0; it names the labels too.
func (r *replica) counts(figure string) {
	r.world.Helper()
	cluster.Eventually(r.world, patience, func() error {
		page, err := r.page("/metrics")
		if err != nil {
			return err
		}
		for line := range strings.Lines(page) {
			if n, ok := strings.CutPrefix(line, figure+" "); ok && strings.TrimSpace(n) != "0" {
				return nil
			}
		}
		return fmt.Errorf("%s of %s is 0", figure, r.name)
	})
}

// proxy is what is read of an entry of /proxies.
type proxy struct {
	ID    string `json:"id"`
	Types []struct {
		Bytes  int  `json:"bytes"`
		Synced bool `json:"synced"`
	} `json:"types"`
}

// bytes are those of all bodies that it was sent on its stream.
func (p proxy) bytes() int {
	sum := 0
	for _, t := range p.Types {
		sum += t.Bytes
	}
	return sum
}

// settled says that the proxy has what it asked for, of all four types.
func (p proxy) settled() bool {
	for _, t := range p.Types {
		if !t.Synced {
			return false
		}
	}
	return len(p.Types) == 4
}

// settles waits until these Envoys, by id, hang on this replica, and nobody else, and
// have all they asked for.
func (r *replica) settles(ids ...string) []proxy {
	r.world.Helper()
	slices.Sort(ids)
	var list []proxy
	cluster.Eventually(r.world, patience, func() error {
		page, err := r.page("/proxies")
		if err != nil {
			return err
		}
		list = nil
		if err := json.Unmarshal([]byte(page), &list); err != nil {
			return err
		}
		var there []string
		for _, p := range list {
			if !p.settled() {
				return fmt.Errorf("%s is not settled: %+v", p.ID, p)
			}
			there = append(there, p.ID)
		}
		if !slices.Equal(there, ids) {
			return fmt.Errorf("%v are connected to %s, not %v", there, r.name, ids)
		}
		return nil
	})
	return list
}

// leader is the replica that holds the Lease, and the other one.
func (w *world) leader() (leads, other *replica) {
	w.Helper()
	cluster.Eventually(w, patience, func() error {
		holder := w.holder()
		for i, r := range w.replicas {
			if strings.HasPrefix(holder, r.name+"_") {
				leads, other = r, w.replicas[1-i]
				return nil
			}
		}
		return fmt.Errorf("the Lease is of %q", holder)
	})
	return leads, other
}

// holder is the Lease's.
func (w *world) holder() string {
	lease, err := w.cluster.Client().CoordinationV1().Leases(system).Get(context.Background(), "coastwise", metav1.GetOptions{})
	if err != nil || lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}

// coastwise runs a command of coastwise, and gives what it printed and its exit code.
func (w *world) coastwise(args ...string) (stdout, stderr string, code int) {
	w.Helper()
	var out, told strings.Builder
	cmd := exec.Command(string(tools.Coastwise), args...)
	cmd.Stdout, cmd.Stderr = &out, &told
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		w.Fatal(err)
	}
	return out.String(), told.String(), cmd.ProcessState.ExitCode()
}
