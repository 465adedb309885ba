package kubereplicas_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coastwise/coastwise/e2e/cluster"
)

// unknown is the condition of a rule of which one replica does not say how far its
// proxies are.
func unknown(r *replica) want {
	return want{"Programmed", metav1.ConditionUnknown, "Pending", []string{"not heard: " + r.name}}
}

// A replica that is stopped is not heard, and the rule's status says whom; it goes on
// and is counted again; killed and its Pod deleted it is counted no more.
func TestReplicaNotHeard(t *testing.T) {
	w, _, _ := pair(t, "silent")
	leads, other := w.leader()
	w.apply(w.rule("shop", ownZone))
	w.becomes("shop", patience, append(sound(), programmed(2))...)

	other.Signal(syscall.SIGSTOP)
	t.Logf("from SIGSTOP to Programmed=Unknown: %v", w.becomes("shop", patience, append(sound(), unknown(other))...))
	time.Sleep(10 * time.Second)
	if o, err := w.read("shop"); err != nil || o.lack(unknown(other)) != nil {
		t.Errorf("%v %v", err, o.Status.Conditions)
	}
	other.Signal(syscall.SIGCONT)
	t.Logf("from SIGCONT to 2 of 2 proxies: %v", w.becomes("shop", patience, append(sound(), programmed(2))...))

	other.Kill()
	w.becomes("shop", patience, unknown(other))
	w.cluster.Remove(t, system, other.name)
	t.Logf("from the Pod's end to 1 of 1 proxies: %v", w.becomes("shop", patience, append(sound(), programmed(1))...))
	if now, _ := w.leader(); now != leads {
		t.Errorf("%s leads now", now.name)
	}
}

// A leader that is stopped for longer than its lease is followed by the other, who
// writes. When it goes on there is no fight: the status settles, and stays.
func TestTwoLeaders(t *testing.T) {
	w, _, _ := pair(t, "leaders")
	leads, other := w.leader()
	w.apply(w.rule("shop", ownZone))
	w.becomes("shop", patience, append(sound(), programmed(2))...)

	began := time.Now()
	leads.Signal(syscall.SIGSTOP)
	w.apply(w.rule("shop", otherZone))
	cluster.Eventually(t, patience, func() error {
		if now, _ := w.leader(); now != other {
			return fmt.Errorf("%s leads", now.name)
		}
		return nil
	})
	t.Logf("from SIGSTOP to the other's lease: %v", time.Since(began))
	w.becomes("shop", patience, append(sound(), unknown(leads))...)
	t.Logf("from SIGSTOP to the other's status of the edit made meanwhile: %v", time.Since(began))

	before, err := w.read("shop")
	if err != nil {
		t.Fatal(err)
	}
	leads.Signal(syscall.SIGCONT)
	t.Logf("from SIGCONT to 2 of 2 proxies: %v", w.becomes("shop", patience, append(sound(), programmed(2))...))
	settled, err := w.read("shop")
	if err != nil {
		t.Fatal(err)
	}
	if n := w.writes("shop", 10*time.Second); n > 1 {
		t.Errorf("the status was written %d times in 10 s after it had settled", n)
	} else {
		t.Logf("writes in 10 s after it had settled: %d", n)
	}
	o, err := w.read("shop")
	if err != nil {
		t.Fatal(err)
	}
	if err := o.lack(append(sound(), programmed(2))...); err != nil {
		t.Error(err)
	}
	if now, _ := w.leader(); now != other {
		t.Errorf("%s leads again", now.name)
	}
	t.Logf("resourceVersions: %s before SIGCONT, %s settled, %s after 10 s", before.ResourceVersion, settled.ResourceVersion, o.ResourceVersion)
}

// writes is how often a rule is written during a time.
func (w *world) writes(rule string, during time.Duration) int {
	w.Helper()
	versions := map[string]bool{}
	for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		o, err := w.read(rule)
		if err != nil {
			w.Fatal(err)
		}
		versions[o.ResourceVersion] = true
	}
	return len(versions) - 1
}
