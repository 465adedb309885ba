package kubereplicas_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coastwise/coastwise/e2e/cluster"
)

// pair is a world with an Envoy on each replica.
func pair(t *testing.T, name string) (w *world, a, b *envoy) {
	t.Helper()
	w = newWorld(t, name)
	return w, w.envoy(w.replicas[0], how{}), w.envoy(w.replicas[1], how{})
}

// What became of a rule stands in its status, counted over both replicas, where
// kubectl and coastwise wait for it; and either replica lists all proxies.
func TestStatusOverReplicas(t *testing.T) {
	w, a, b := pair(t, "status")
	w.apply(w.rule("shop", ownZone))
	took := w.becomes("shop", patience, append(sound(), programmed(2))...)
	t.Logf("from kubectl's return to Programmed, 2 of 2 proxies: %v", took)
	a.holds(w.shop[0])
	b.holds(w.shop[0])

	w.apply(w.rule("shop", otherZone))
	stdout, stderr, code := w.coastwise("wait", "destinationrule/shop", "-n", w.namespace, "--for", "programmed", "--kubeconfig", w.cluster.Kubeconfig())
	if code != 0 {
		t.Fatalf("coastwise wait ends with %d: %s", code, stderr)
	}
	t.Logf("coastwise wait: %s", strings.TrimSpace(stdout))
	for _, e := range []*envoy{a, b} {
		if err := e.lacks(w.shop[1]); err != nil {
			t.Errorf("coastwise wait is over, but %v", err)
		}
	}
	w.cluster.Kubectl(t, "wait", "--for=condition=Programmed", "dr/shop", "-n", w.namespace, "--timeout=30s")
	o, err := w.read("shop")
	if err != nil {
		t.Fatal(err)
	}
	if o.Generation != 2 {
		t.Errorf("generation %d", o.Generation)
	}
	if err := o.lack(append(sound(), programmed(2))...); err != nil {
		t.Error(err)
	}
	w.columns(t)
	w.listed(t, a, b)
}

// columns: kubectl get prints the host, and what became of the rule.
func (w *world) columns(t *testing.T) {
	t.Helper()
	table := w.cluster.Kubectl(t, "get", "dr", "-n", w.namespace)
	rows := strings.Split(strings.TrimSpace(table), "\n")
	if got := strings.Join(strings.Fields(rows[0]), " "); got != "NAME HOST LOCALITY PROGRAMMED REASON AGE" || len(rows) != 2 {
		t.Errorf("%s", table)
	}
	row := rows[len(rows)-1]
	for _, word := range []string{"shop ", "True ", "Programmed "} {
		if !strings.Contains(row, word) {
			t.Errorf("%q lacks %q", row, word)
		}
	}
}

// listed: either replica lists the Envoys of both.
func (w *world) listed(t *testing.T, a, b *envoy) {
	t.Helper()
	on := map[string]string{a.id: w.replicas[0].name, b.id: w.replicas[1].name}
	for _, r := range w.replicas {
		table, stderr, code := w.coastwise("proxies", "--server", r.Admin)
		if code != 0 || stderr != "" {
			t.Errorf("proxies of %s: exit code %d: %s", r.name, code, stderr)
		}
		rows := strings.Split(strings.TrimSpace(table), "\n")
		if !strings.Contains(rows[0], "REPLICA") || len(rows) != 3 {
			t.Fatalf("proxies of %s:\n%s", r.name, table)
		}
		for _, row := range rows[1:] {
			id, _, _ := strings.Cut(row, " ")
			if on[id] == "" || !strings.Contains(row, " "+on[id]) || !strings.Contains(row, "eu/here") {
				t.Errorf("not an Envoy on its replica: %s", row)
			}
		}
	}
}

// A rule that a real Envoy refuses, and that hangs on the replica that does not write
// status: the rule says so within 5 s, in Envoy's words, until it is mended. The Envoy
// is one that does not see the folder of credentials, as where somebody forgot to mount
// it.
func TestRefusedOnTheOtherReplica(t *testing.T) {
	w := newWorld(t, "refused")
	chain, key := w.ca.Issue("client")
	if err := w.ca.WriteCredential(w.credentials, "pay", chain, key); err != nil {
		t.Fatal(err)
	}
	leads, other := w.leader()
	a, b := w.envoy(leads, how{}), w.envoy(other, how{binary: w.withoutCredentials()})
	w.apply(w.rule("shop", ownZone))
	w.becomes("shop", patience, append(sound(), programmed(2))...)
	a.holds(w.shop[0])
	b.holds(w.shop[0])
	end := b.stream()

	const secured = "{tls: {mode: MUTUAL, credentialName: pay}}"
	w.apply(w.service("pay"))
	w.apply(w.rule("pay", secured))
	took := w.becomes("pay", patience, append(sound(), want{"Programmed", metav1.ConditionFalse, "ProxyRejected", []string{
		"1 of 2 proxies, 1 refused", b.id + " refused", w.outbound("pay"), "pay.yaml", "path",
	}})...)
	t.Logf("from kubectl's return to the refusal on the rule's status: %v", took)
	if took > 5*time.Second {
		t.Errorf("the refusal is on the status after %v, not within 5 s", took)
	}
	o, err := w.read("pay")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("Programmed: %s", o.condition("Programmed").Message)
	if now, _ := w.leader(); now != leads {
		t.Errorf("%s leads now: this shows nothing of a replica that does not", now.name)
	}
	w.waitsInVain(t)
	w.becomes("shop", patience, programmed(2))

	w.apply(w.rule("pay", ownZone))
	took = w.becomes("pay", patience, append(sound(), programmed(2))...)
	t.Logf("from kubectl's return to Programmed once it was mended: %v", took)
	end()
	cluster.Eventually(t, patience, func() error {
		rejected, again := w.events("pay", "ProxyRejected"), w.events("pay", "Programmed")
		if len(rejected) != 1 || len(again) != 1 || rejected[0].Series != nil || rejected[0].Type != "Warning" || !strings.Contains(rejected[0].Note, b.id) {
			return fmt.Errorf("Events %+v %+v", rejected, again)
		}
		return nil
	})
}

// waitsInVain: coastwise wait says what stands in the way, and ends with 4.
func (w *world) waitsInVain(t *testing.T) {
	t.Helper()
	_, stderr, code := w.coastwise("wait", "dr/pay", "-n", w.namespace, "--timeout", "1s", "--kubeconfig", w.cluster.Kubeconfig())
	if code != 4 || !strings.Contains(stderr, "ProxyRejected") {
		t.Errorf("coastwise wait ends with %d: %s", code, stderr)
	}
}

// withoutCredentials is an Envoy to which the folder of credentials is empty.
func (w *world) withoutCredentials() string {
	w.Helper()
	path := filepath.Join(w.dir, "envoy-without-credentials")
	script := fmt.Sprintf("#!/bin/sh\nexec unshare --mount sh -c 'mount -t tmpfs none %s && exec %s \"$@\"' envoy \"$@\"\n", w.credentials, tools.Envoy)
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		w.Fatal(err)
	}
	return path
}

// An edit that is not valid and came past the API server's rules, by hand into etcd, is
// not Accepted, with the field; the form before it acts on.
func TestInvalidEdit(t *testing.T) {
	w, a, b := pair(t, "invalid")
	w.apply(w.rule("shop", ownZone))
	w.becomes("shop", patience, append(sound(), programmed(2))...)
	o, err := w.read("shop")
	if err != nil {
		t.Fatal(err)
	}
	bad := strings.Replace(w.rule("shop", strings.Replace(otherZone, ": 100", ": 101", 1)), "  name: shop\n", fmt.Sprintf(
		"  name: shop\n  uid: %s\n  creationTimestamp: %q\n  generation: 2\n", o.UID, o.CreationTimestamp.UTC().Format(time.RFC3339)), 1)
	w.cluster.WriteRaw(t, "destinationrules", bad)
	took := w.becomes("shop", patience,
		want{"Accepted", metav1.ConditionFalse, "Invalid", []string{"spec.trafficPolicy.loadBalancer.localityLbSetting.distribute[0]"}},
		want{"Programmed", metav1.ConditionFalse, "Pending", []string{"generation 2 does not act", "generation 1 still does", "2 of 2 proxies"}},
	)
	t.Logf("from the write to Accepted=False: %v", took)
	if o, err = w.read("shop"); err != nil {
		t.Fatal(err)
	}
	t.Logf("Accepted: %s", o.condition("Accepted").Message)
	for _, e := range []*envoy{a, b} {
		if err := e.lacks(w.shop[0]); err != nil {
			t.Errorf("the form before does not act: %v", err)
		}
	}
	w.apply(w.rule("shop", otherZone))
	w.becomes("shop", patience, append(sound(), programmed(2))...)
	a.holds(w.shop[1])
	b.holds(w.shop[1])
}
