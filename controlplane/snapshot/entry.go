package snapshot

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// builder is translate.Build; a test puts a failing one in its place.
type builder func(*model.Service, model.Variant) (translate.Built, error)

// Entry is one service in a Snapshot, with what has been encoded of it. The
// Service is frozen; the memo only grows, by pure functions of its key.
type Entry struct {
	*model.Service
	// Problems are those of ingest, and BuildFailed where the newest objects
	// could not be built and an older form stands here.
	Problems []model.Problem
	build    builder
	// fronts are the waypoints that reach it as a backend only, sorted; see translate.Fronts.
	fronts []model.GatewayName
	former []former // waypoints that it has left lately; see Hub.Linger

	mu   sync.Mutex
	memo map[model.Variant]*encoding
	// fragments are in the routes of clients of its own namespace, and of others, once
	// asked for.
	fragments map[fragmentKey]envoy.Fragment
	// byPort are the routes of each port under each policy; nil until asked for.
	byPort map[portRoutesKey]*envoy.Resource
	// makers says of which objects the policies are made; set when first asked for.
	makers     makers
	makersOnce sync.Once
	// routed says that routes hang on the client's policy, so that they are not shared.
	routed bool
}

type fragmentKey struct{ own, connect bool }

// encoding is what one variant came to. A variant comes with the first class
// that selects it and goes with the last.
type encoding struct {
	once    sync.Once
	done    atomic.Bool // built and err may be read
	built   translate.Built
	err     error
	classes map[*class]struct{}
}

// resolve builds the encoding, or waits for who builds it.
func (enc *encoding) resolve(e *Entry, v model.Variant) *encoding {
	enc.once.Do(func() {
		enc.err = contained(func() (err error) {
			enc.built, err = e.build(e.Service, v)
			return err
		})
		enc.done.Store(true)
	})
	return enc
}

func newEntry(s *model.Service, problems []model.Problem, build builder) *Entry {
	return &Entry{
		Service: s, Problems: problems, build: build, memo: map[model.Variant]*encoding{},
		fragments: map[fragmentKey]envoy.Fragment{}, routed: routedOf(s) != nil,
	}
}

// fragment is what the entry adds to the routes of a client without labels. Where
// no policy has a say it hangs on nothing but whether the namespace is the client's, and
// whether it may CONNECT.
func (e *Entry) fragment(client model.Proxy) (envoy.Fragment, error) {
	if e.routed {
		return envoy.RouteFragment(client, e.Service)
	}
	key := fragmentKey{client.Namespace == e.Namespace, envoy.Connects(client)}
	e.mu.Lock()
	defer e.mu.Unlock()
	if f, ok := e.fragments[key]; ok {
		return f, nil
	}
	f, err := envoy.RouteFragment(client, e.Service)
	if err == nil {
		e.fragments[key] = f
	}
	return f, err
}

// encode returns what a class sees at one port and subset, which it must have.
// Concurrent callers of one variant build it once.
func (e *Entry) encode(c *class, port uint32, subset string) *encoding {
	v := e.Select(c.proxy, port, subset)
	e.mu.Lock()
	enc := e.memo[v]
	if enc == nil {
		enc = &encoding{classes: map[*class]struct{}{}}
		e.memo[v] = enc
	}
	enc.classes[c] = struct{}{}
	e.mu.Unlock()
	return enc.resolve(e, v)
}

// held returns what a class was given at one port and subset, or nil.
func (e *Entry) held(c *class, port uint32, subset string) *encoding {
	v := e.Select(c.proxy, port, subset)
	e.mu.Lock()
	enc := e.memo[v]
	e.mu.Unlock()
	if enc == nil {
		return nil
	}
	return enc.resolve(e, v)
}

// drop forgets classes and the variants that only they used.
func (e *Entry) drop(dead map[*class]struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for v, enc := range e.memo {
		maps.DeleteFunc(enc.classes, func(c *class, _ struct{}) bool { _, gone := dead[c]; return gone })
		if len(enc.classes) == 0 {
			delete(e.memo, v)
		}
	}
}

// allProblems are those of the service and of every live variant, sorted.
func (e *Entry) allProblems() []model.Problem {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := slices.Clone(e.Problems)
	for _, enc := range e.memo {
		if enc.done.Load() {
			out = append(out, enc.built.Problems...)
		}
	}
	return model.SortProblems(out)
}
