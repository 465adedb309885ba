package peers

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/coastwise/coastwise/translate/model"
)

// Report is what one replica says of itself and its proxies.
type Report struct {
	// Replica is the name of its Pod, Version that of its build.
	Replica, Version string
	Started          time.Time
	// Synced says that it has read everything once.
	Synced bool
	// Generations are the metadata.generation of the objects as it has them.
	Generations map[model.ObjectRef]int64
	// Rollouts say how far its proxies are with each object.
	Rollouts map[model.ObjectRef]model.Rollout
	// Problems are those that proxies have: what they refused, and what else concerns single ones.
	Problems []model.Problem
}

// wireReport is a Report on the wire. Newer replicas may say more.
type wireReport struct {
	Replica  string        `json:"replica"`
	Version  string        `json:"version"`
	Started  time.Time     `json:"started"`
	Synced   bool          `json:"synced"`
	Objects  []wireObject  `json:"objects"`
	Problems []wireProblem `json:"problems,omitempty"`
}

type wireRef struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

type wireObject struct {
	wireRef
	Generation int64        `json:"generation,omitempty"`
	Rollout    *wireRollout `json:"rollout,omitempty"`
}

type wireRollout struct {
	Proxies    int    `json:"proxies"`
	Programmed int    `json:"programmed"`
	Refused    int    `json:"refused,omitempty"`
	Proxy      string `json:"proxy,omitempty"`
	Resource   string `json:"resource,omitempty"`
	Message    string `json:"message,omitempty"`
}

type wireProblem struct {
	wireRef
	Field    string         `json:"field,omitempty"`
	Severity model.Severity `json:"severity"`
	Reason   model.Reason   `json:"reason"`
	Message  string         `json:"message"`
}

// MarshalJSON is what the wire has, sorted: equal reports are equal bytes.
func (r Report) MarshalJSON() ([]byte, error) {
	out := wireReport{Replica: r.Replica, Version: r.Version, Started: r.Started, Synced: r.Synced, Objects: []wireObject{}}
	refs := maps.Clone(r.Generations)
	if refs == nil {
		refs = map[model.ObjectRef]int64{}
	}
	for ref := range r.Rollouts {
		refs[ref] = r.Generations[ref]
	}
	for _, ref := range slices.SortedFunc(maps.Keys(refs), model.ObjectRef.Compare) {
		o := wireObject{wireRef: wireRef(ref), Generation: refs[ref]}
		if rollout, ok := r.Rollouts[ref]; ok {
			o.Rollout = (*wireRollout)(&rollout)
		}
		out.Objects = append(out.Objects, o)
	}
	for _, p := range model.SortProblems(slices.Clone(r.Problems)) {
		out.Problems = append(out.Problems, wireProblem{
			wireRef: wireRef(p.Object), Field: p.Field, Severity: p.Severity, Reason: p.Reason, Message: p.Message,
		})
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what another replica sent.
func (r *Report) UnmarshalJSON(text []byte) error {
	var in wireReport
	if err := json.Unmarshal(text, &in); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	*r = Report{
		Replica: in.Replica, Version: in.Version, Started: in.Started, Synced: in.Synced,
		Generations: map[model.ObjectRef]int64{}, Rollouts: map[model.ObjectRef]model.Rollout{},
	}
	for _, o := range in.Objects {
		ref := model.ObjectRef(o.wireRef)
		if o.Generation != 0 {
			r.Generations[ref] = o.Generation
		}
		if o.Rollout != nil {
			r.Rollouts[ref] = model.Rollout(*o.Rollout)
		}
	}
	for _, p := range in.Problems {
		r.Problems = append(r.Problems, model.Problem{
			Object: model.ObjectRef(p.wireRef), Field: p.Field, Severity: p.Severity, Reason: p.Reason, Message: p.Message,
		})
	}
	return nil
}

// Joined is what all replicas say together.
type Joined struct {
	// Rollouts are the sums over this replica and those that are heard.
	Rollouts map[model.ObjectRef]model.Rollout
	// Generations are the least that any of them has; 0 if one has none.
	Generations map[model.ObjectRef]int64
	Problems    []model.Problem
	// Unheard are the replicas whose proxies are not in the sums, by name.
	Unheard []string
}

// join adds up reports.
func join(reports []Report) Joined {
	j := Joined{Rollouts: map[model.ObjectRef]model.Rollout{}, Generations: map[model.ObjectRef]int64{}}
	for _, r := range reports {
		for ref, rollout := range r.Rollouts {
			j.Rollouts[ref] = j.Rollouts[ref].Join(rollout)
		}
		for ref := range r.Generations {
			j.Generations[ref] = least(reports, ref)
		}
		j.Problems = append(j.Problems, r.Problems...)
	}
	j.Problems = model.SortProblems(j.Problems)
	return j
}

func least(reports []Report, ref model.ObjectRef) int64 {
	out := reports[0].Generations[ref]
	for _, r := range reports[1:] {
		out = min(out, r.Generations[ref])
	}
	return out
}
