package snapshot

import (
	"testing"
	"time"

	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	"google.golang.org/protobuf/proto"
	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

func namespaceWith(annotations map[string]string) store.Change {
	n := &corev1.Namespace{}
	n.Name, n.Annotations = "default", annotations
	return store.Change{Ref: model.ObjectRef{Kind: "Namespace", Name: "default"}, Object: n}
}

// priorities of the endpoints that a member is sent.
func priorities(t *testing.T, m *Member, name string) (out []uint32) {
	t.Helper()
	r := m.Take().View.Get(envoy.EndpointType, name)
	cla := new(endpointv3.ClusterLoadAssignment)
	if r == nil || proto.Unmarshal(r.Body, cla) != nil {
		t.Fatal("no endpoints")
	}
	for _, g := range cla.Endpoints {
		out = append(out, g.Priority)
	}
	return out
}

// Semantics 5.4: the annotation of a Namespace, given and taken away, changes what
// is sent for its Services, and who subscribes to them is woken.
func TestNamespaceAnnotationIsPublished(t *testing.T) {
	h, st := newHub(t, service("one"), nodeIn("na", "eu", "a"), nodeIn("nb", "eu", "b"),
		endpointSlice("one", "one-x", "a", "10.0.0.1"), endpointSlice("one", "one-y", "b", "10.0.0.2"), namespaceWith(nil))
	m := join(t, h, sidecar("all", "a"))
	change := func(annotations map[string]string, highest uint32) {
		t.Helper()
		st.Apply([]store.Change{namespaceWith(annotations)})
		h.Publish(time.Now())
		if u := take(m); len(u.Names) != 1 || u.Names[0] != cluster("one") {
			t.Errorf("woken for %q", u.Names)
		}
		if got := priorities(t, m, cluster("one")); len(got) != 2 || got[0] != 0 || got[1] != highest {
			t.Errorf("priorities %v", got)
		}
	}
	if got := priorities(t, m, cluster("one")); got[1] != 0 {
		t.Errorf("flat, but priorities %v", got)
	}
	change(map[string]string{model.DistributionAnnotation: "PreferSameZone"}, 1)
	change(map[string]string{"unrelated": "x"}, 0)
}
