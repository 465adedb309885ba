package kube

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/admit"
)

// custom follows the kinds whose CRDs may come and go: ours, Istio's and the Gateway API's. Each is
// watched while discovery lists it. What one look does not tell of stays as it is, so
// that an API server that is away, or only half there, removes nothing.
type custom struct {
	store     *store.Store
	reports   *reports
	log       *slog.Logger
	link      *link
	discovery discovery
	clients   map[schema.GroupVersion]*rest.RESTClient
	times     Times

	options     admit.Options
	credentials *credentials // nil without folders of secrets

	mu      sync.Mutex
	memory  *admissions
	kinds   map[crd]*kindState // those of which it is known whether they are there
	ready   bool
	done    chan struct{} // closed when ready
	changed chan struct{}

	followers sync.WaitGroup
}

// kindState is what is known of one kind.
type kindState struct {
	version  string // "" if there is no such CRD
	resource *resource
	sink     *customSink
	stop     context.CancelFunc
	doubted  bool // reading it was forbidden once
	synced   bool // all was read once
	denied   bool // we may not read it
}

// run polls discovery until ctx ends, and returns when all that it started has ended.
func (c *custom) run(ctx context.Context) {
	defer c.followers.Wait()
	tick := time.NewTicker(c.times.Discovery)
	defer tick.Stop()
	for {
		c.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look brings what is followed up to date with what is there.
func (c *custom) look(ctx context.Context) {
	seen, err := c.discovery.look(ctx)
	if ctx.Err() != nil {
		return
	}
	c.link.troubles.note(discoverySubject, err)
	renewed := c.credentials.renewed()
	for _, k := range crds() {
		if version, told := seen[k]; told {
			c.bring(ctx, k, version)
		}
		if renewed && k.namesSecrets() {
			c.again(ctx, k)
		}
	}
	c.settle()
}

// bring starts, moves or stops following one kind, as discovery has it now.
func (c *custom) bring(ctx context.Context, k crd, version string) {
	st := c.state(k)
	switch {
	case version == st.version && c.knows(k):
	case version != "":
		c.log.Info("a kind is there, and is read", "kind", k.String(), "version", version)
		c.start(ctx, k, version)
	case c.vouched(ctx, k, st):
		c.stop(k)
	}
}

// vouched says that a kind which discovery does not list is not there: an API
// server that starts lists what it knows by then. Of others' kinds, which it may not
// be ours to read, only those that we have read are asked for.
func (c *custom) vouched(ctx context.Context, k crd, st kindState) bool {
	if !k.ours() && !st.synced {
		return true
	}
	version := st.version
	if version == "" {
		version = k.versions()[0]
	}
	return c.discovery.absent(ctx, k, version)
}

func (c *custom) state(k crd) kindState {
	c.mu.Lock()
	defer c.mu.Unlock()
	if st := c.kinds[k]; st != nil {
		return *st
	}
	return kindState{}
}

func (c *custom) knows(k crd) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kinds[k] != nil
}

// start follows a kind under a version, in the place of the one that was followed:
// what was read under that stays until all is read anew.
func (c *custom) start(ctx context.Context, k crd, version string) {
	ctx, cancel := context.WithCancel(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	st := c.kinds[k]
	if st == nil {
		st = &kindState{}
		c.kinds[k] = st
	}
	st.end()
	st.version, st.stop, st.denied, st.doubted = version, cancel, false, false
	st.sink = &customSink{custom: c, kind: k, version: version}
	st.resource = c.resource(k, version, st.sink)
	run := st.resource.run
	c.followers.Go(func() { run(ctx) })
}

// again reads a kind anew, if it is followed.
func (c *custom) again(ctx context.Context, k crd) {
	if st := c.state(k); st.version != "" {
		c.start(ctx, k, st.version)
	}
}

// stop ends following a kind that is not there: its objects are gone.
func (c *custom) stop(k crd) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if st := c.kinds[k]; st != nil {
		st.end()
		c.log.Info("a kind is no longer there; its objects are gone", "kind", k.String())
	}
	c.kinds[k] = &kindState{}
	c.link.troubles.note(k.String(), nil)
	c.publish(c.memory.replace(k.refKind(), nil))
}

// end makes the sink deaf: a reflector takes its time to stop.
func (st *kindState) end() {
	if st.stop != nil {
		st.stop()
		st.sink.deaf = true
	}
}

// publish writes what objects mean to the store, problems first, so that whoever is
// woken by the change finds them. c.mu is held, so that what is older cannot follow.
func (c *custom) publish(verdicts []verdict, changes []store.Change) {
	c.reports.file(verdicts)
	c.store.ApplyAPI(changes)
	if len(verdicts) > 0 {
		select {
		case c.changed <- struct{}{}:
		default:
		}
	}
}
