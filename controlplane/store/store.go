package store

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// Change is one object's new truth.
type Change struct {
	// Ref names the object; its Kind says of which type Object is.
	Ref model.ObjectRef
	// Object is the admitted object, nil if it is gone or was never admitted.
	Object any
	// Fence holds in place of a refused object that was never admitted
	// (semantics 8.1); only with Object == nil.
	Fence *model.Fence
}

// Dirty is what changed since the last Take.
type Dirty struct {
	// Keys are the services to rebuild at once, sorted.
	Keys []model.Key
	// Bulk are others to rebuild, sorted, which may come in parts and later: all that
	// touched them is a lone change by the API server to an object on which many
	// services hang (a MeshConfig, a Node, a Namespace, a rule with a wildcard).
	Bulk []model.Key
	// Nodes says that some Node came, went or moved.
	Nodes bool
	// Pods came, went, or have another node or other labels, sorted: clients'
	// identity hangs on them.
	Pods []ingest.PodName
	// Workloads are Pods and WorkloadEntries that came, went, or differ in anything that
	// is read of them, sorted.
	Workloads []model.WorkloadName
	// Namespaces came, went, or have other labels or annotations, sorted.
	Namespaces []string
	// Gateways are those to rebuild, sorted: their own object, their class, their Services,
	// or something of a route that names them as a parent. They need not exist.
	Gateways []model.GatewayName
	// Mesh says that the MeshConfig or a process flag changed; then Keys and Bulk hold
	// every key.
	Mesh bool
	// Since is when the first of these marks was set; zero if there is none.
	Since time.Time
}

// Empty says that nothing is marked.
func (d Dirty) Empty() bool {
	return len(d.Keys)+len(d.Bulk) == 0 && !d.Nodes && len(d.Pods)+len(d.Workloads) == 0 && len(d.Namespaces)+len(d.Gateways) == 0 && !d.Mesh
}

// Join is what either of two says.
func (d Dirty) Join(o Dirty) Dirty {
	d.Keys = sortedUnion(d.Keys, o.Keys, model.Key.Compare)
	d.Bulk = Without(sortedUnion(d.Bulk, o.Bulk, model.Key.Compare), d.Keys)
	d.Pods = sortedUnion(d.Pods, o.Pods, comparePods)
	d.Workloads = sortedUnion(d.Workloads, o.Workloads, model.WorkloadName.Compare)
	d.Namespaces = sortedUnion(d.Namespaces, o.Namespaces, strings.Compare)
	d.Gateways = sortedUnion(d.Gateways, o.Gateways, model.GatewayName.Compare)
	d.Nodes, d.Mesh = d.Nodes || o.Nodes, d.Mesh || o.Mesh
	if d.Since.IsZero() || !o.Since.IsZero() && o.Since.Before(d.Since) {
		d.Since = o.Since
	}
	return d
}

func sortedUnion[T comparable](a, b []T, compare func(T, T) int) []T {
	return slices.Compact(slices.SortedFunc(slices.Values(slices.Concat(a, b)), compare))
}

// Without is what some sorted keys, also sorted, lack of others; it may be these.
func Without(keys, taken []model.Key) []model.Key {
	if len(keys) == 0 || len(taken) == 0 {
		return keys
	}
	return slices.DeleteFunc(slices.Clone(keys), func(k model.Key) bool {
		_, found := slices.BinarySearchFunc(taken, k, model.Key.Compare)
		return found
	})
}

// Store holds every admitted object once. It is safe for concurrent use.
type Store struct {
	mu   sync.Mutex
	wake chan struct{}

	services   map[model.Key]*corev1.Service
	slices     map[model.Key]map[string]*heldSlice // by service, then by name
	sliceNames map[objectName]*heldSlice
	pods       map[ingest.PodName]*corev1.Pod
	namespaces map[string]*corev1.Namespace
	nodes      nodeIndex
	rules      ruleIndex
	entries    entryIndex
	workloads  workloadIndex
	routes     routeIndex
	gateways   gatewayIndex
	classes    map[string]*gatewayv1.GatewayClass
	grants     map[string]map[string]*gatewayv1.ReferenceGrant // by namespace, then by name
	mesh       ingest.Mesh
	// credentials are the files with secrets.
	credentials ingest.Credentials

	auto   map[model.Key]bool // Services with topology-mode: Auto
	known  tally[string]      // namespace → keys that have a Service, an entry, an exact rule or fence, or a route as a parent
	byNode tally[string]      // nodeName of an endpoint or of a selected Pod → services
	byZone tally[string]      // zone of an endpoint, as its slice says → services
	byPod  tally[ingest.PodName]

	layers   layers
	marks    marks
	alone    bool // what is applied is one change by the API server
	problems map[string][]model.Problem
}

// objectName is the name of a namespaced object of one kind; of Istio's group it
// ends with "/" and the group, so that one of ours may have the same.
type objectName struct{ namespace, name string }

func nameOf(ref model.ObjectRef) objectName {
	if _, group, istio := strings.Cut(ref.Kind, "."); istio {
		return objectName{ref.Namespace, ref.Name + "/" + group}
	}
	return objectName{ref.Namespace, ref.Name}
}

// New returns an empty store.
func New() *Store {
	return &Store{
		wake:       make(chan struct{}, 1),
		services:   map[model.Key]*corev1.Service{},
		slices:     map[model.Key]map[string]*heldSlice{},
		sliceNames: map[objectName]*heldSlice{},
		pods:       map[ingest.PodName]*corev1.Pod{},
		namespaces: map[string]*corev1.Namespace{},
		nodes:      newNodeIndex(),
		rules:      newRuleIndex(),
		entries:    newEntryIndex(),
		workloads:  workloadIndex{},
		routes:     newRouteIndex(),
		gateways:   newGatewayIndex(),
		classes:    map[string]*gatewayv1.GatewayClass{},
		grants:     map[string]map[string]*gatewayv1.ReferenceGrant{},
		auto:       map[model.Key]bool{},
		known:      tally[string]{},
		byNode:     tally[string]{},
		byZone:     tally[string]{},
		byPod:      tally[ingest.PodName]{},
		layers:     newLayers(),
		marks:      newMarks(),
		problems:   map[string][]model.Problem{},
	}
}

// Apply takes a batch of the files' changes at once: no Take and no Objects sees a
// part of it. The last change of one object counts, and above one of ApplyAPI. It
// never waits for a reader, and a change that changes nothing marks nothing.
//
// panics: if an Object is not of the type that its Kind names; admission gives
// no other.
func (s *Store) Apply(batch []Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range batch {
		s.applyAbove(c)
	}
	s.signal()
}

// SetMesh sets the process's flags: --suspend-locality, and the environment
// variable that switches locality on where nobody says anything (semantics 3.1, 3.4).
func (s *Store) SetMesh(suspend, localityDefault bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mesh.Suspend == suspend && s.mesh.LocalityDefault == localityDefault {
		return
	}
	s.mesh.Suspend, s.mesh.LocalityDefault = suspend, localityDefault
	s.marks.everything(false)
	s.signal()
}

// SetTrustDomain says what workloads' SPIFFE ids begin with; "" is
// ingest.DefaultTrustDomain. It comes before everything that reads the store.
func (s *Store) SetTrustDomain(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mesh.TrustDomain == name {
		return
	}
	s.mesh.TrustDomain = name
	s.marks.everything(false)
	s.signal()
}

// TrustDomain is that of workloads.
func (s *Store) TrustDomain() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mesh.Domain()
}

// signal wakes the reader of Wake if there is something to take.
func (s *Store) signal() {
	if s.marks.since.IsZero() {
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Wake has a value when there may be something to Take. Its depth is 1.
func (s *Store) Wake() <-chan struct{} { return s.wake }

// Take returns the marks and clears them.
func (s *Store) Take() Dirty {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.marks
	s.marks = newMarks()
	return m.taken(s.known.all())
}

// SetProblems replaces the problems that one source reports.
func (s *Store) SetProblems(source string, ps []model.Problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problems[source] = slices.Clone(ps)
}

// Problems are those of all sources, and of what one shadows of another; sorted.
func (s *Store) Problems() []model.Problem {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.layers.duplicates()
	for _, ps := range s.problems {
		all = append(all, ps...)
	}
	return model.SortProblems(all)
}

func comparePods(a, b ingest.PodName) int {
	return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
}
