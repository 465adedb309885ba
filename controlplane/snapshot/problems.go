package snapshot

import (
	"fmt"
	"slices"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// Refusal is a NACK: what a proxy would not take, and its own words for why.
type Refusal struct{ ProxyID, TypeURL, Name, Version, Message string }

type refusedKey struct{ typeURL, name string }

// Refuse notes a NACK until the resource changes.
func (h *Hub) Refuse(r Refusal) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refused[refusedKey{r.TypeURL, r.Name}] = r
}

// forgive forgets the refusals of a cluster that has changed since.
func (h *Hub) forgive(name string) {
	delete(h.refused, refusedKey{envoy.ClusterType, name})
	delete(h.refused, refusedKey{envoy.EndpointType, name})
}

func (h *Hub) setOrphans(key model.Key, is *Entry, problems []model.Problem) {
	if is != nil || len(problems) == 0 {
		delete(h.orphans, key)
		return
	}
	h.orphans[key] = problems
}

// Problems is everything that users should hear: of admission, of ingest, of
// every live variant, and what proxies refused. It costs O(services).
func (h *Hub) Problems() []model.Problem {
	out := h.store.Problems()
	h.mu.Lock()
	defer h.mu.Unlock()
	out = slices.Clone(out)
	for _, e := range h.snap.Load().Entries {
		out = append(out, e.Problems...)
		out = append(out, e.variantProblems()...)
	}
	for _, ps := range h.orphans {
		out = append(out, ps...)
	}
	for _, r := range h.refused {
		out = append(out, h.rejected(r))
	}
	return model.SortProblems(out)
}

// rejected puts a NACK onto the rule, else the Service, behind the resource.
func (h *Hub) rejected(r Refusal) model.Problem {
	p := model.Problem{
		Object: model.ObjectRef{Kind: "Resource", Name: r.Name}, Field: "spec",
		Severity: model.Error, Reason: model.ProxyRejected,
		Message: fmt.Sprintf("%s refused %s: %s", r.ProxyID, r.Name, r.Message),
	}
	port, subset, host, ok := envoy.ParseClusterName(r.Name)
	if !ok {
		return p
	}
	key, _ := ingest.RuleKey("", host)
	entry := h.snap.Load().Entries[key]
	if entry == nil {
		return p
	}
	p.Object = entry.Object
	for m := range h.members {
		if m.claims.ID != r.ProxyID {
			continue
		}
		policy := entry.Policies[entry.Select(m.class.proxy, port, subset).PolicyID]
		if policy.Rule != (model.ObjectRef{}) {
			p.Object = policy.Rule
		}
	}
	return p
}
