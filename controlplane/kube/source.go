package kube

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/admit"
	"github.com/coastwise/coastwise/translate/model"
)

// stuck is how long one write to the store may take, and the probe may not move.
const stuck = 20 * time.Second

// Source keeps a store up to date with an API server. Run it once; all else is
// safe for concurrent use.
type Source struct {
	store     *store.Store
	log       *slog.Logger
	times     Times
	link      *link
	core      *rest.RESTClient
	troubles  *troubles
	reports   *reports
	resources []*resource // built-in ones
	admission admit.Options
	custom    *custom

	done chan struct{}
	well atomic.Bool  // the last probe said so
	beat atomic.Int64 // when the probe last moved, in Unix nanoseconds; 0 while Run does not run
}

// Stats is what the source has read.
type Stats struct {
	// Objects that the API server has, by resource.
	Objects map[string]int
	// Reads counts how often a resource was read as a whole.
	Reads map[string]uint64
	// Held are objects whose edit was refused: their last admitted form stays.
	// Unadmitted are refused ones that were never admitted (semantics 8.1). Sorted.
	Held, Unadmitted []model.ObjectRef
	// Forbidden are the kinds of Istio that are there and that we may not read, and
	// of ours until that is mended, as PLURAL.GROUP. Sorted.
	Forbidden []string
}

// New returns a source that reads what config points at and the caller may see. It connects
// to nothing yet; the error is that of a config that cannot be used.
func New(config *rest.Config, st *store.Store, log *slog.Logger, options ...Option) (*Source, error) {
	s := &Source{
		store: st, log: log, times: DefaultTimes(), done: make(chan struct{}),
		troubles: newTroubles(log), reports: newReports(st, log),
	}
	for _, o := range options {
		o(s)
	}
	var err error
	if s.link, err = newLink(config, s.times, s.troubles); err != nil {
		return nil, err
	}
	if s.core, err = s.link.client(corev1.SchemeGroupVersion); err != nil {
		return nil, fmt.Errorf("API server: %w", err)
	}
	discovery, err := s.link.client(discoveryv1.SchemeGroupVersion)
	if err != nil {
		return nil, fmt.Errorf("API server: %w", err)
	}
	s.resources = s.builtIn(s.core, discovery)
	if s.custom, err = newCustom(s.link, st, s.reports, log, s.admission, s.times); err != nil {
		return nil, fmt.Errorf("API server: %w", err)
	}
	return s, nil
}

// livePods leaves out what has ended and will not start again.
const livePods = "status.phase!=Succeeded,status.phase!=Failed"

// builtIn are the resources of Kubernetes itself.
func (s *Source) builtIn(core, discovery *rest.RESTClient) []*resource {
	trim := newTrimmer().trim
	return []*resource{
		s.resource("namespaces", "Namespace", core, &corev1.Namespace{}, func() runtime.Object { return &corev1.NamespaceList{} }, trim),
		s.resource("nodes", "Node", core, &corev1.Node{}, func() runtime.Object { return &corev1.NodeList{} }, trim),
		s.resource("services", "Service", core, &corev1.Service{}, func() runtime.Object { return &corev1.ServiceList{} }, trim),
		s.resource("endpointslices", "EndpointSlice", discovery, &discoveryv1.EndpointSlice{}, func() runtime.Object { return &discoveryv1.EndpointSliceList{} }, trim),
		s.resource("pods", "Pod", core, &corev1.Pod{}, func() runtime.Object { return &corev1.PodList{} }, trim).selecting(livePods),
	}
}

func (s *Source) resource(name, kind string, c *rest.RESTClient, expected runtime.Object, list func() runtime.Object, trim cache.TransformFunc) *resource {
	r := &resource{
		name: name, subject: name, expected: expected, list: list, client: c, link: s.link, troubles: s.troubles, log: s.log, times: s.times,
		pace: rate.NewLimiter(rate.Every(s.times.Pace), burst), synced: make(chan struct{}), good: time.Now(),
	}
	r.sink = &sink{
		kind: kind, store: s.store, trim: trim, reports: s.reports,
		held: map[cache.ObjectName]known{}, replaced: r.replaced,
	}
	return r
}

func (r *resource) selecting(fields string) *resource {
	r.fields = fields
	return r
}

// Resource is the schema's name of the resource, for messages.
func (r *resource) String() string {
	return schema.GroupResource{Group: r.client.APIVersion().Group, Resource: r.name}.String()
}

// Run follows the API server until ctx ends, and returns nil then. It returns an
// error that names each resource, and what the server last said, if not all has
// been read within Times.Start; after that no absence of the server ends it.
func (s *Source) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(klog.NewContext(ctx, logr.FromSlogHandler(demoted{s.log.Handler()})))
	defer cancel()
	var wg sync.WaitGroup
	for _, r := range s.resources {
		r.good = time.Now()
		wg.Go(func() { r.run(ctx) })
	}
	wg.Go(func() { s.custom.run(ctx) })
	wg.Go(func() { s.probe(ctx) })
	err := s.start(ctx)
	if err == nil {
		<-ctx.Done()
	}
	cancel()
	wg.Wait()
	s.link.close()
	return err
}

// start waits until all has been read.
func (s *Source) start(ctx context.Context) error {
	began := time.Now()
	deadline := time.NewTimer(s.times.Start)
	defer deadline.Stop()
	for _, r := range s.resources {
		select {
		case <-r.synced:
		case <-ctx.Done():
			return nil
		case <-deadline.C:
			return s.unsynced()
		}
	}
	select {
	case <-s.custom.done:
	case <-ctx.Done():
		return nil
	case <-deadline.C:
		return s.unsynced()
	}
	stats := s.Stats()
	s.log.Info("the API server's objects were read", "took", time.Since(began).Round(time.Millisecond), "objects", stats.Objects)
	if missing := s.custom.missing(); len(missing) > 0 {
		s.log.Warn("kinds of coastwise's own are not installed, so there are no rules of them; apply crds/, which is noticed without a restart", "kinds", missing)
	}
	close(s.done)
	return nil
}

func (s *Source) unsynced() error {
	return fmt.Errorf("not read within %s: %s", s.times.Start, s.Unread())
}

// Unread names what has not been read yet, and why: "RESOURCE: the server's words",
// with semicolons between; "" if all was read once.
func (s *Source) Unread() string {
	var lines []string
	for _, r := range s.resources {
		if !r.isSynced() {
			lines = append(lines, fmt.Sprintf("%s: %s", r, r.why()))
		}
	}
	lines = append(lines, s.custom.unread()...)
	return strings.Join(lines, "; ")
}

// all are the resources that are read now.
func (s *Source) all() []*resource { return slices.Concat(s.resources, s.custom.resources()) }

// Done is closed when everything was read once.
func (s *Source) Done() <-chan struct{} { return s.done }

// Synced says whether everything was read once.
func (s *Source) Synced() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// Age is how old the view of each resource is: 0 while a watch is open and the
// server is well, else the time since both were last known, or since Run.
func (s *Source) Age() map[string]time.Duration {
	out, now, well := map[string]time.Duration{}, time.Now(), s.well.Load()
	for _, r := range s.all() {
		out[r.subject] = r.age(now, well)
	}
	return out
}

// Alive says that the source moves: no write to the store has blocked it. It is
// true while Run does not run, and whether or not the API server is there.
func (s *Source) Alive() bool {
	for _, r := range s.all() {
		if r.sink.stuck(stuck) {
			return false
		}
	}
	beat := s.beat.Load()
	return beat == 0 || time.Since(time.Unix(0, beat)) < stuck+s.times.Silence
}

// Stats is what was read, as of now.
func (s *Source) Stats() Stats {
	st := Stats{Objects: map[string]int{}, Reads: map[string]uint64{}}
	for _, r := range s.all() {
		st.Objects[r.subject] = r.sink.count()
		st.Reads[r.subject] = r.reads.Load()
	}
	st.Forbidden = s.custom.forbidden()
	st.Held, st.Unadmitted = s.reports.lists()
	return st
}

// probe asks the API server from time to time whether it is well.
func (s *Source) probe(ctx context.Context) {
	defer s.beat.Store(0)
	tick := time.NewTicker(s.times.Probe)
	defer tick.Stop()
	for {
		s.beat.Store(time.Now().UnixNano())
		well := s.link.well(ctx, s.core, s.times.Silence/3)
		s.well.Store(well)
		if now := time.Now(); well {
			for _, r := range s.all() {
				r.wellNow(now)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
