package controlplane

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/coastwise/coastwise/controlplane/peers"
	"github.com/coastwise/coastwise/translate/model"
)

// twoAddresses is one port that is free on two addresses of this machine.
func twoAddresses(t *testing.T) (one, two string) {
	t.Helper()
	for range 20 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		l.Close()
		if m, err := net.Listen("tcp", "127.0.0.2:"+port); err == nil {
			m.Close()
			return "127.0.0.1:" + port, "127.0.0.2:" + port
		}
	}
	t.Skip("127.0.0.2 is not an address of this machine")
	return "", ""
}

// replicaPod is a Pod of coastwise itself.
func replicaPod(name, ip string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Pod
metadata: {name: %s, namespace: coastwise-system, labels: {app.kubernetes.io/name: coastwise}}
spec: {containers: [{name: coastwise}]}
status: {podIP: %s, conditions: [{type: Ready, status: "True"}]}
`, name, ip)
}

// ids are the proxies and where they are connected; of what cannot be asked, why.
func ids(list []ReplicaProxy) (out []string) {
	for _, p := range list {
		out = append(out, strings.Join([]string{p.ID, p.Replica, p.Error}, "@"))
	}
	return out
}

// TestProxiesOfAllReplicas: each replica answers for both, and says which it cannot ask.
func TestProxiesOfAllReplicas(t *testing.T) {
	defer goleak.VerifyNone(t)
	defer http.DefaultClient.CloseIdleConnections()
	one, two := twoAddresses(t)
	dir := folder(t, append(samples(t), replicaPod("cw-0", "127.0.0.1"), replicaPod("cw-1", "127.0.0.2")), 100)
	replica := func(name, peer string) *running {
		return start(t, Config{From: []string{dir}, Replica: ReplicaConfig{Namespace: "coastwise-system", Name: name, Peer: peer}})
	}
	first, second := replica("cw-0", one), replica("cw-1", two)
	defer first.stop()
	defer second.stop()
	defer newWildcard("default/b").connect(t, first)()
	defer newWildcard("default/a").connect(t, second)()
	for _, r := range []*running{first, second} {
		if diff := cmp.Diff([]string{"default/a@cw-1@", "default/b@cw-0@"}, ids(r.proxies(t, "?replicas=all"))); diff != "" {
			t.Errorf("%s: -want +got:\n%s", r.Replica.Name, diff)
		}
		if own := r.proxies(t, ""); len(own) != 1 || own[0].Replica != "" {
			t.Errorf("%s alone: %v", r.Replica.Name, ids(own))
		}
	}
	second.stop()
	if got := ids(first.proxies(t, "?replicas=all")); len(got) != 2 || got[0] != "default/b@cw-0@" || !strings.Contains(got[1], "@cw-1@") || !strings.Contains(got[1], "refused") {
		t.Errorf("one is away: %v", got)
	}
	mute := replica("cw-1", "")
	defer mute.stop()
	if got := ids(mute.proxies(t, "?replicas=all")); !slices.Equal(got, []string{"@cw-0@this replica runs without --peer"}) {
		t.Errorf("one without --peer: %v", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "f00.yaml"), nil, 0o644); err != nil { // no Pods: nobody else
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		got := ids(first.proxies(t, "?replicas=all"))
		if slices.Equal(got, []string{"default/b@@"}) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("alone: %v", got)
		}
	}
}

// TestReport: it is this replica's whole view, or nothing.
func TestReport(t *testing.T) {
	s, err := newServer(Config{Log: quiet(), XDS: "127.0.0.1:0", Replica: ReplicaConfig{Namespace: "n", Name: "cw-0", Version: "v1"}})
	if err != nil {
		t.Fatal(err)
	}
	ref := model.ObjectRef{Kind: "DestinationRule", Namespace: "default", Name: "a"}
	synced, complete := false, false
	r := s.replicas
	r.synced = func() bool { return synced }
	says := func(want bool) peers.Report {
		t.Helper()
		got, ok := r.report()
		if ok != want {
			t.Errorf("synced %v, complete %v: %v", synced, complete, ok)
		}
		return got
	}
	says(false)
	synced = true
	r.rollouts = func() (map[model.ObjectRef]model.Rollout, bool) {
		return map[model.ObjectRef]model.Rollout{ref: {Proxies: 3}}, complete
	}
	generation := int64(7)
	r.generations = func() map[model.ObjectRef]int64 { return map[model.ObjectRef]int64{ref: generation} }
	if got := says(true).Generations; len(got) != 0 {
		t.Errorf("not all is shown yet, and it says generations: %v", got)
	}
	complete = true
	refused := model.Problem{Object: ref, Reason: model.ProxyRejected, Message: "no"}
	r.problems = func() []model.Problem {
		return []model.Problem{{Object: ref, Reason: model.UnknownField}, refused}
	}
	want := peers.Report{
		Replica: "cw-0", Version: "v1", Started: r.started.UTC(), Synced: true, Problems: []model.Problem{refused},
		Rollouts: map[model.ObjectRef]model.Rollout{ref: {Proxies: 3}}, Generations: map[model.ObjectRef]int64{ref: 7},
	}
	if diff := cmp.Diff(want, says(true)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	complete, generation = false, 8
	if got := says(true).Generations[ref]; got != 7 {
		t.Errorf("generation %d is said, and may not be shown yet", got)
	}
	synced = false
	says(false)
}

func TestReplicaMistakes(t *testing.T) {
	for _, c := range []struct {
		config  ReplicaConfig
		clients ClientsConfig
		want    string
	}{
		{ReplicaConfig{}, ClientsConfig{}, ""},
		{ReplicaConfig{Peer: "127.0.0.1:15016"}, ClientsConfig{}, ""},
		{ReplicaConfig{Peer: "0.0.0.0:15016"}, ClientsConfig{Insecure: true}, ""},
		{ReplicaConfig{Peer: ":15016"}, ClientsConfig{Cert: "c", Key: "k", CA: "a"}, ""},
		{ReplicaConfig{Peer: ":15016"}, ClientsConfig{Cert: "c", Key: "k"}, "--peer: needs --client-ca"},
		{ReplicaConfig{Peer: ":15016"}, ClientsConfig{}, `--peer: ":15016" is not a loopback address: beyond it give --tls-cert`},
		{ReplicaConfig{Peer: "10.0.0.1"}, ClientsConfig{}, "--peer: \"10.0.0.1\": missing port in address; want HOST:PORT"},
		{ReplicaConfig{Peer: "127.0.0.1:0"}, ClientsConfig{}, `"0" is no port that other replicas could have too`},
		{ReplicaConfig{DrainDelay: -1}, ClientsConfig{}, "--drain-delay: -1ns is negative"},
		{ReplicaConfig{DrainTime: -1}, ClientsConfig{}, "--drain-time: -1ns is negative"},
	} {
		got := errors.Join(c.config.mistakes(c.clients)...)
		if (got == nil) != (c.want == "") || got != nil && !strings.Contains(got.Error(), c.want) {
			t.Errorf("%+v: %v", c.config, got)
		}
	}
}
