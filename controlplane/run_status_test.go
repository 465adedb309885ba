package controlplane

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/controlplane/kube"
	"github.com/coastwise/coastwise/controlplane/peers"
	"github.com/coastwise/coastwise/controlplane/status"
	"github.com/coastwise/coastwise/translate/model"
)

// What is written of an object, and onto which version; nothing of one acts that a file
// gives too.
func TestObjectOf(t *testing.T) {
	w := kube.Written{Ref: reviewsRule, UID: "u", Generation: 3, ResourceVersion: "7", State: kube.Held, Acting: 2}
	want := status.Object{Ref: reviewsRule, UID: "u", Generation: 3, ResourceVersion: "7", Acts: 2}
	if d := cmp.Diff(want, objectOf(w)); d != "" {
		t.Error(d)
	}
	whole := &gatewayv1.Gateway{}
	w.Whole, want.Whole = whole, whole
	w.Shadowed, want.Acts = true, 0
	if d := cmp.Diff(want, objectOf(w)); d != "" {
		t.Error(d)
	}
}

// A form that not every replica has is not yet on the proxies, whoever has it.
func TestRolloutsOf(t *testing.T) {
	r := rolloutsOf(peers.Joined{
		Rollouts:    map[model.ObjectRef]model.Rollout{reviewsRule: {Proxies: 2, Programmed: 1}},
		Generations: map[model.ObjectRef]int64{reviewsRule: 2}, Unheard: []string{"cw-1"},
	})
	if !r.Includes(reviewsRule, "u", 2) || r.Includes(reviewsRule, "u", 3) || r.Includes(model.ObjectRef{Kind: "MeshConfig", Name: "default"}, "u", 1) {
		t.Error("which forms all have")
	}
	if r.Of[reviewsRule].Programmed != 1 || len(r.Unheard) != 1 {
		t.Errorf("%+v", r)
	}
}
