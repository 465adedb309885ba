package snapshot

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/model"
)

// toldOf is what concerns one proxy: object, field and reason of each.
func toldOf(h *Hub, id string) []string {
	var out []string
	for _, p := range h.ProxyProblems()[id] {
		out = append(out, strings.Join([]string{p.Object.String(), p.Field, string(p.Reason)}, " "))
	}
	return out
}

// What concerns one proxy is told of it, and of no other; and among all Problems.
func TestProxyProblems(t *testing.T) {
	node := &corev1.Node{}
	node.Name = "n"
	node.Labels = map[string]string{corev1.LabelTopologyRegion: "eu", corev1.LabelTopologyZone: "eu-1"}
	h, st := newHub(t, append(behindZtunnel(), gatewayOf(model.ProtocolHBONE, model.PortHBONE),
		store.Change{Ref: model.ObjectRef{Kind: "Node", Name: "n"}, Object: node})...)
	for _, p := range []model.Proxy{waypointProxy("wp-0"), hboneProxy("wp-1")} {
		p.Locality = model.Locality{Region: "eu", Zone: "eu-1"}
		join(t, h, p)
	}
	join(t, h, model.Proxy{ID: "default/liar", Kind: model.Sidecar, Namespace: "default", Node: "n", Locality: model.Locality{Region: "eu", Zone: "eu-9"}})
	join(t, h, model.Proxy{ID: "default/lost", Kind: model.Sidecar, Namespace: "default", Locality: model.Locality{Region: "us"}})
	join(t, h, model.Proxy{ID: "default/edge", Kind: model.Gateway, Namespace: "default", Gateway: "default/nothing", Node: "n"})
	for id, want := range map[string][]string{
		"default/wp-0": {"Proxy default/wp-0 node.metadata.coastwise.certificate ClientCannot"},
		"default/wp-1": nil,
		"default/liar": {"Proxy default/liar node.locality Conflicted"},
		"default/lost": {"Proxy default/lost node.locality TargetNotFound"},
		"default/edge": {"Proxy default/edge node.metadata.coastwise.gateway TargetNotFound"},
	} {
		if got := toldOf(h, id); !slices.Equal(got, want) {
			t.Errorf("%s is told %q, want %q", id, got, want)
		}
	}
	all := h.Problems()
	for id, problems := range h.ProxyProblems() {
		for _, p := range problems {
			if !slices.Contains(all, p) {
				t.Errorf("%s is told %+v, which Problems do not have", id, p)
			}
		}
	}
	node = node.DeepCopy()
	node.Labels[corev1.LabelTopologyZone] = "eu-9"
	apply(h, st, store.Change{Ref: model.ObjectRef{Kind: "Node", Name: "n"}, Object: node})
	if got := toldOf(h, "default/liar"); len(got) > 0 {
		t.Errorf("the claim is true now: %q", got)
	}
}
