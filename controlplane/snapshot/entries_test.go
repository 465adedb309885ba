package snapshot

import (
	"slices"
	"strings"
	"testing"
	"time"

	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	"google.golang.org/protobuf/proto"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

var dbCluster = envoy.ClusterName(80, "", "db.example.com")

// entryOf declares db.example.com with one endpoint; age is its creation.
func entryOf(namespace, name, address string, age int64) store.Change {
	e := &v1alpha1.ServiceEntry{Spec: v1alpha1.ServiceEntrySpec{
		Hosts: []string{"db.example.com"}, Resolution: "STATIC",
		Ports:     []v1alpha1.ServicePort{{Number: 80, Name: "http"}},
		Endpoints: []v1alpha1.WorkloadEntrySpec{{Address: address}},
	}}
	e.Namespace, e.Name, e.CreationTimestamp = namespace, name, metav1.Unix(age, 0)
	return store.Change{Ref: model.ObjectRef{Kind: v1alpha1.KindServiceEntry, Namespace: namespace, Name: name}, Object: e}
}

// address is the one endpoint that a member is sent of the host.
func address(t *testing.T, m *Member) string {
	t.Helper()
	r := m.Take().View.Get(envoy.EndpointType, dbCluster)
	cla := new(endpointv3.ClusterLoadAssignment)
	if r == nil {
		return ""
	}
	if err := proto.Unmarshal(r.Body, cla); err != nil {
		t.Fatal(err)
	}
	return cla.Endpoints[0].LbEndpoints[0].GetEndpoint().GetAddress().GetSocketAddress().GetAddress()
}

// Semantics 9.2: of entries of two namespaces for one host each scope has one; when
// the host changes hands, who subscribes to it is woken though neither entry's
// endpoints differ.
func TestAHostChangesHands(t *testing.T) {
	h, st := newHub(t, entryOf("a", "e", "10.0.0.1", 2), entryOf("b", "e", "10.0.0.2", 1))
	inA := sidecar("in-a", "z")
	inA.ID, inA.Namespace = "a/x", "a"
	own, foreign := join(t, h, inA), join(t, h, sidecar("foreign", "z"))
	expect := func(what, atOwn, atForeign string, wakes bool) {
		t.Helper()
		u := foreign.Take()
		if got := address(t, own); got != atOwn {
			t.Errorf("%s: namespace a has %q, want %q", what, got, atOwn)
		}
		if got := address(t, foreign); got != atForeign {
			t.Errorf("%s: others have %q, want %q", what, got, atForeign)
		}
		if slices.Contains(u.Names, dbCluster) != wakes {
			t.Errorf("%s: woken for %q", what, u.Names)
		}
	}
	publish := func(c store.Change) {
		st.Apply([]store.Change{c})
		h.Publish(time.Now())
	}
	expect("at first", "10.0.0.1", "10.0.0.2", false)
	publish(entryOf("b", "e", "10.0.0.2", 3))
	expect("b is younger now", "10.0.0.1", "10.0.0.1", true)
	publish(store.Change{Ref: entryOf("a", "e", "", 0).Ref})
	expect("a is gone", "10.0.0.2", "10.0.0.2", true)
	publish(store.Change{Ref: entryOf("b", "e", "", 0).Ref})
	expect("none is left", "", "", true)
}

// The loser of a host is told, once for each that it loses to, and a refused
// resource is the entry's that the proxy has.
func TestProblemsOfEntries(t *testing.T) {
	h, _ := newHub(t, entryOf("a", "e", "10.0.0.1", 2), entryOf("b", "e", "10.0.0.2", 1))
	m := join(t, h, sidecar("x", "z"))
	h.Refuse(Refusal{ProxyID: m.Proxy().ID, TypeURL: envoy.ClusterType, Name: dbCluster, Message: "no"})
	var conflicted, rejected []string
	for _, p := range h.Problems() {
		switch p.Reason {
		case model.Conflicted:
			conflicted = append(conflicted, p.Object.String()+" "+p.Field)
		case model.ProxyRejected:
			rejected = append(rejected, p.Object.String())
		}
	}
	if got := strings.Join(conflicted, ","); got != "ServiceEntry a/e spec.hosts[0]" {
		t.Errorf("conflicted: %q", got)
	}
	if got := strings.Join(rejected, ","); got != "ServiceEntry b/e" {
		t.Errorf("rejected: %q", got)
	}
}
