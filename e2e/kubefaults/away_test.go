package kubefaults_test

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/coastwise/coastwise/e2e/kube"
	"github.com/coastwise/coastwise/e2e/kubefaults"
)

// outages is what happens to a shop whose API server goes away.
type outages struct {
	*shop
	way      *kubefaults.Way
	clients  []*kube.Client
	observer *observer
	stream   *kube.Stream
	count    int
}

// under is the shop with one Envoy, an observer and steady traffic.
func (z *shop) under(way *kubefaults.Way) *outages {
	z.Helper()
	o := &outages{shop: z, way: way, clients: []*kube.Client{z.client()}, observer: z.observe(false, z.cluster())}
	o.stream = o.clients[0].Stream(z.host)
	return o
}

// allowed checks that nothing was forbidden until now. An API server that starts
// forbids everything.
func (o *outages) allowed() {
	o.Helper()
	requests := o.Cluster.AuditOf(o, "coastwise-system", "coastwise")
	if no := forbidden(requests); len(no) > 0 || len(requests) == 0 {
		o.Errorf("of %d requests to the API server forbidden were %v", len(requests), sorted(no))
	}
	o.Logf("%d requests to the API server until now, each of them allowed", len(requests))
}

// change is what changed during an outage, beside the shop's rule and Pods: the
// clusters that come and go.
type change struct{ comes, goes string }

// away takes the API server away for a time. Until blind is over, coastwise cannot
// know that it is.
func (o *outages) away(name string, lasts, blind time.Duration, cut func()) {
	o.Helper()
	old := o.lists()
	heard, updates := len(o.observer.Heard()), o.updates()
	cut()
	began := time.Now()
	missed := o.change()
	newcomer := false
	for time.Since(began) < lasts {
		o.unmoved(began, blind)
		if !newcomer && time.Since(began) > lasts/3 {
			newcomer = true
			o.newcomer(old)
			updates = o.updates()
		}
		time.Sleep(500 * time.Millisecond)
	}
	if n := len(o.observer.Heard()) - heard; n != 0 || o.updates() != updates || o.observer.Err() != nil {
		o.Errorf("%s: the observer heard %d responses, Envoys took %d updates; %v", name, n, o.updates()-updates, o.observer.Err())
	}
	for _, c := range o.clients {
		if err := c.Lacks(o.cluster(), old...); err != nil {
			o.Errorf("%s: at the end of the outage %v", name, err)
		}
	}
	oldest := oldestView(o.Scene)
	tally := o.stream.Next()
	o.way.Open(o)
	returned := time.Now()
	o.Logf("%s: away for %v, the oldest view then %.1f s old, %d requests without failure", name, lasts, oldest, tally.Requests)
	o.arrives(name, returned, missed)
	o.Logf("%s: the view is fresh %v after the return", name, took(o, returned, 10*time.Second, o.fresh))
}

// change edits the rule, makes a Pod and a Service and deletes another, past the Way.
func (o *outages) change() change {
	o.Helper()
	gone, made := fmt.Sprint("late-", o.count), fmt.Sprint("late-", o.count+1)
	o.count++
	rule := o.turn()
	o.addPod(o.zone)
	o.Cluster.Apply(o, rule)
	o.Cluster.Apply(o, o.service(made))
	o.Cluster.Kubectl(o, "delete", "service", gone, "-n", o.namespace)
	return change{comes: kube.Outbound(o.namespace, made), goes: kube.Outbound(o.namespace, gone)}
}

// arrives waits until all clients have what was changed.
func (o *outages) arrives(name string, returned time.Time, missed change) {
	o.Helper()
	endpoints := took(o, returned, late, func() error {
		var errs []error
		for _, c := range o.clients {
			errs = append(errs, c.Lacks(o.cluster(), o.lists()...))
		}
		return errors.Join(errs...)
	})
	services := took(o, returned, late, func() error {
		for _, c := range o.clients {
			comes, err := hasCluster(c, missed.comes)
			goes, err2 := hasCluster(c, missed.goes)
			if err := errors.Join(err, err2); err != nil || !comes || goes {
				return fmt.Errorf("%s: has the new Service: %v, the deleted one: %v; %w", c.Flags.ID, comes, goes, err)
			}
		}
		return nil
	})
	o.Logf("%s: after the return the rule and the Pod have arrived at %v, the Services at %v", name, endpoints, services)
}

// unmoved checks what stays during an outage that began then: readiness, and a view
// whose age is told.
func (o *outages) unmoved(began time.Time, blind time.Duration) {
	o.Helper()
	if code := readyz(o.Scene); code != http.StatusOK {
		o.Errorf("/readyz says %d after %v", code, time.Since(began))
	}
	before := time.Since(began).Seconds()
	ages := series(o.Scene, "coastwise_input_age_seconds", "")
	after := time.Since(began).Seconds()
	if len(ages) < 9 {
		o.Errorf("ages of %d resources, not of 5 of Kubernetes and 4 of ours: %v", len(ages), ages)
	}
	for resource, age := range ages {
		if before > blind.Seconds()+1 && age < before-1 || age > after+5 {
			o.Errorf("the view of %s is said to be %.1f s old %.1f s after the API server went", resource, age, before)
		}
	}
}

// oldestView is the age of the oldest view, in seconds.
func oldestView(s *kube.Scene) float64 {
	s.Helper()
	oldest := 0.0
	for _, age := range series(s, "coastwise_input_age_seconds", "") {
		oldest = max(oldest, age)
	}
	return oldest
}

// fresh says what keeps the view from being of now.
func (o *outages) fresh() error {
	if oldest := oldestView(o.Scene); oldest > 0 {
		return fmt.Errorf("the oldest view is %.1f s old", oldest)
	}
	return nil
}

// newcomer starts an Envoy that is to have what the others have.
func (o *outages) newcomer(lists [][]string) {
	o.Helper()
	c := o.Envoy(o.namespace, o.nodes[0])
	c.Holds(o.cluster(), lists...)
	o.Only(c.Send(o.host, 100), lists[0]...)
	o.clients = append(o.clients, c)
}

// updates is how many updates all Envoys took.
func (o *outages) updates() int {
	sum := 0
	for _, c := range o.clients {
		sum += c.Updates(o.namespace + "/")
	}
	return sum
}

// killed kills the API server, changes the rule in etcd meanwhile, and starts it again.
func (o *outages) killed() {
	o.Helper()
	old := o.lists()
	o.Cluster.KillAPIServer(o)
	began := time.Now()
	o.Cluster.WriteRaw(o, "destinationrules", o.turn())
	for time.Since(began) < 8*time.Second {
		o.unmoved(began, 0)
		time.Sleep(500 * time.Millisecond)
	}
	if err := o.clients[0].Lacks(o.cluster(), old...); err != nil {
		o.Errorf("while the API server is killed %v", err)
	}
	o.stream.Next()
	o.Cluster.RestartAPIServer(o)
	returned := time.Now()
	d := took(o, returned, late, func() error { return o.clients[0].Lacks(o.cluster(), o.lists()...) })
	o.Logf("killed: away for %v, and the rule that was changed meanwhile has arrived %v after /readyz of the new one", returned.Sub(began).Round(time.Second), d)
	// Not apply: what was written into etcd has no last applied form.
	if r := o.Cluster.TryKubectl(o, o.turn(), "replace", "-f", "-"); r.Code != 0 {
		o.Fatal(r.Stderr)
	}
	d = took(o, time.Now(), time.Second, func() error { return o.clients[0].Lacks(o.cluster(), o.lists()...) })
	o.Logf("killed: the next change arrives %v after kubectl's return", d)
	if left := series(o.Scene, "coastwise_input_forbidden", ""); len(left) > 0 || !o.Server.Running() {
		o.Errorf("an API server that starts forbids everything, and that was believed: %v", left)
	}
}
