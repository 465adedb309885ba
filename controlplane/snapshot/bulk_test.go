package snapshot

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/model"
)

// bulkHub has three services, and rebuilds of bulk work one in each publish.
func bulkHub(t *testing.T) (*Hub, *store.Store) {
	h, st := newHub(t)
	st.ApplyAPI([]store.Change{service("a"), service("b"), service("c")})
	h.Publish(time.Now())
	h.slice = 0
	h.bulk.rest = 0
	return h, st
}

// meshEdit is a change that touches every service.
func meshEdit(root string) store.Change {
	m := &v1alpha1.MeshConfig{}
	m.Name, m.Spec.RootNamespace = "default", root
	return store.Change{Ref: model.ObjectRef{Kind: "MeshConfig", Name: "default"}, Object: m}
}

// rebuilt is the hosts' first letters of which the entries differ.
func rebuilt(was, is *Snapshot) string {
	var out string
	for _, name := range []string{"a", "b", "c"} {
		key := model.ServiceKey("default", name)
		if was.Entries[key] != is.Entries[key] {
			out += name
		}
	}
	return out
}

// publishes says what each publish until nothing is left rebuilds; before runs before each.
func publishes(h *Hub, before func(n int)) []string {
	var out []string
	for n := 0; n == 0 || h.unfinished(); n++ {
		was := h.Snapshot()
		before(n)
		h.bulk.rest = 0
		h.Publish(time.Now())
		out = append(out, rebuilt(was, h.Snapshot()))
	}
	return out
}

// TestBulkIsPublishedInSlices: a lone MeshConfig of the API server comes in slices, and
// a change of one service goes before; the rollouts are not complete until all is done.
func TestBulkIsPublishedInSlices(t *testing.T) {
	h, st := bulkHub(t)
	st.ApplyAPI([]store.Change{meshEdit("one")})
	got := publishes(h, func(n int) {
		if n == 0 {
			return
		}
		if _, complete := h.Rollouts(); complete {
			t.Errorf("complete before publish %d", n)
		}
		if len(h.bulk.more) != 1 {
			t.Errorf("publish %d is not asked for", n)
		}
		if n == 1 {
			c := service("c")
			c.Object.(interface{ SetAnnotations(map[string]string) }).SetAnnotations(map[string]string{"k": "v"})
			st.ApplyAPI([]store.Change{c})
		}
	})
	if want := []string{"a", "bc"}; !cmp.Equal(want, got) {
		t.Errorf("rebuilt %q, want %q", got, want)
	}
	if _, complete := h.Rollouts(); !complete {
		t.Error("not complete at rest")
	}
}

// TestWholeIsPublishedOnce: a folder's reload, a full read of the API server and
// whatever is there before the first publish come in no slices.
func TestWholeIsPublishedOnce(t *testing.T) {
	for name, apply := range map[string]func(*store.Store){
		"files": func(st *store.Store) { st.Apply([]store.Change{meshEdit("one")}) },
		"read": func(st *store.Store) {
			c := service("a")
			c.Object.(interface{ SetAnnotations(map[string]string) }).SetAnnotations(map[string]string{"k": "v"})
			st.ApplyAPI([]store.Change{c, meshEdit("one")})
		},
	} {
		h, st := bulkHub(t)
		apply(st)
		if got := publishes(h, func(int) {}); !cmp.Equal([]string{"abc"}, got) {
			t.Errorf("%s: rebuilt %q", name, got)
		}
	}
	st := store.New()
	h := New(st, 0, nil)
	h.slice = 0
	st.ApplyAPI([]store.Change{service("a"), service("b"), service("c")})
	st.ApplyAPI([]store.Change{meshEdit("one")})
	h.Publish(time.Now())
	if n := len(h.Snapshot().Entries); n != 3 {
		t.Errorf("the first publish has %d services", n)
	}
}

// TestReloadOvertakesBulk: what files change while bulk work is left is published at
// once and whole.
func TestReloadOvertakesBulk(t *testing.T) {
	h, st := bulkHub(t)
	st.ApplyAPI([]store.Change{meshEdit("one")})
	got := publishes(h, func(n int) {
		if n == 1 {
			st.Apply([]store.Change{meshEdit("two")})
		}
	})
	if want := []string{"a", "abc"}; !cmp.Equal(want, got) {
		t.Errorf("rebuilt %q, want %q", got, want)
	}
}

// TestSlicesAreNoShorterThanTheRest: where each publish is dear, there are fewer.
func TestSlicesAreNoShorterThanTheRest(t *testing.T) {
	h, st := bulkHub(t)
	st.ApplyAPI([]store.Change{meshEdit("one")})
	h.bulk.rest = time.Hour
	was := h.Snapshot()
	h.Publish(time.Now())
	if got := rebuilt(was, h.Snapshot()); got != "abc" {
		t.Errorf("rebuilt %q", got)
	}
}
