package status

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// Object is one object of our kinds, or of the Gateway API, as the API server has it.
type Object struct {
	Ref        model.ObjectRef
	UID        types.UID
	Generation int64
	// ResourceVersion is the one that was read: a status is only written onto that, so
	// that neither an object made again under the name nor the status of a newer leader
	// is overwritten. (A uid would not do: the server ignores it in a status.) "" writes
	// onto whatever is there.
	ResourceVersion string
	// Status is what stands on the server of an object of our own kinds; nobody writes
	// into it.
	Status v1alpha1.Status
	// Whole is an object of the Gateway API with what is read of its spec, and its
	// status: a *gatewayv1.GatewayClass, Gateway, HTTPRoute or GRPCRoute; nil for our own
	// kinds. Nobody writes into it.
	Whole any
	// Acts is the generation of the form that acts: Generation if it was admitted, an
	// older one if the edit since was refused, 0 if none was ever admitted.
	Acts int64
}

// Rollouts is how far the proxies of all replicas are with every object.
type Rollouts struct {
	// Of has the objects that some proxy holds something of, joined over the replicas.
	Of map[model.ObjectRef]model.Rollout
	// Problems are those that the other replicas have beside ours: of variants that
	// only their proxies ask for.
	Problems []model.Problem
	// Unheard are the names of the replicas that did not answer.
	Unheard []string
	// Includes says whether the view of every replica that answered includes a
	// generation of an object; nil: all include all.
	Includes func(ref model.ObjectRef, uid types.UID, generation int64) bool
}

// Report is what is known of one object.
type Report struct {
	// Problems are those of the object.
	Problems []model.Problem
	// Rollout is joined over the replicas that were heard; Unheard are the names of
	// the others.
	Rollout model.Rollout
	Unheard []string
	// Seen says that every replica that was heard has the form that acts.
	Seen bool
}

// about is what Rollouts say of one object.
func (r Rollouts) about(o Object, problems []model.Problem) Report {
	return Report{
		Problems: problems, Rollout: r.Of[o.Ref], Unheard: r.Unheard,
		Seen: r.Includes == nil || r.Includes(o.Ref, o.UID, o.Acts),
	}
}

// The resources of our kinds, as the API server names them.
var resources = map[string]string{
	v1alpha1.KindDestinationRule: "destinationrules",
	v1alpha1.KindServiceEntry:    "serviceentries",
	v1alpha1.KindWorkloadEntry:   "workloadentries",
	v1alpha1.KindMeshConfig:      "meshconfigs",
}
