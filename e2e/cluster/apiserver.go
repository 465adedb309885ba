package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Where the processes listen: 127.B.x.y of the cluster's block, which no other
// process has, so that the ports are free and stay so over a restart.
const (
	apiX, apiY   = 255, 1
	apiPort      = 6443
	etcdX, etcdY = 255, 2
	etcdPort     = 2379
	etcdPeerPort = 2380
)

// How long the processes have after SIGTERM. kube-apiserver would wait a minute for
// the watches of others to end; it has no state to lose.
const (
	apiGrace  = 2 * time.Second
	etcdGrace = 15 * time.Second
)

// ServiceCIDRs are the ranges of ClusterIPs, IPv4 first; dual-stack Services are
// possible.
const ServiceCIDRs = "172.30.0.0/16,fd00:30::/112"

// URL is where kube-apiserver listens, also after a restart.
func (c *Cluster) URL() string {
	return fmt.Sprintf("https://%s:%d", c.block.Address(apiX, apiY), apiPort)
}

func (c *Cluster) startAPIServer() error {
	args := []string{
		"--etcd-servers=" + c.etcdURL(etcdPort),
		"--bind-address=" + c.block.Address(apiX, apiY),
		"--secure-port=" + strconv.Itoa(apiPort),
		"--advertise-address=" + c.pods.First(),
		"--tls-cert-file=" + c.file(servingCert),
		"--tls-private-key-file=" + c.file(servingKey),
		"--client-ca-file=" + c.file(caFile),
		"--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + c.file(accountKey),
		"--service-account-signing-key-file=" + c.file(accountKey),
		"--service-cluster-ip-range=" + ServiceCIDRs,
		"--audit-policy-file=" + c.file(auditPolicy),
		"--audit-log-path=" + c.file(auditLog),
		"--profiling=false",
	}
	p, err := c.run("kube-apiserver", append(args, c.options.APIServerFlags...)...)
	if err != nil {
		return err
	}
	c.apiserver = p
	return p.Await(time.Now().Add(patience), func() error {
		limited, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return c.client.CoreV1().RESTClient().Get().AbsPath("/readyz").Do(limited).Error()
	})
}

// KillAPIServer sends SIGKILL to kube-apiserver and waits for its end.
func (c *Cluster) KillAPIServer(t testing.TB) {
	t.Helper()
	c.own(t, "killing kube-apiserver")
	c.apiserver.Kill()
}

// RestartAPIServer starts kube-apiserver at the same address, ending it before that
// if it runs, and waits until it is ready.
func (c *Cluster) RestartAPIServer(t testing.TB) {
	t.Helper()
	c.own(t, "restarting kube-apiserver")
	c.apiserver.Stop(apiGrace)
	if err := c.startAPIServer(); err != nil {
		t.Fatal(err)
	}
}

// own fails the test where the cluster is not its own.
func (c *Cluster) own(t testing.TB, what string) {
	t.Helper()
	if c.shared {
		t.Fatalf("%s would disturb other tests: use Start, not Shared", what)
	}
}

// command is exec.Command without what could send kubectl and the servers elsewhere.
func command(path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if name != "KUBECONFIG" && !strings.HasPrefix(name, "KUBECTL_") && !strings.HasPrefix(name, "ETCD_") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	return cmd
}
