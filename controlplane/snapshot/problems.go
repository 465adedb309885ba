package snapshot

import (
	"fmt"
	"maps"
	"strings"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
	"github.com/coastwise/coastwise/translate/workload"
)

// Refusal is a NACK: what a proxy would not take, and its own words for why.
type Refusal struct{ ProxyID, TypeURL, Name, Version, Message string }

// refusedKey has a proxy where the resource is one proxy's alone.
type refusedKey struct{ typeURL, name, proxy string }

// Refuse notes a NACK until the resource changes.
func (h *Hub) Refuse(r Refusal) {
	r.Message = strings.TrimSpace(r.Message)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refused[keyOfRefusal(r)] = r
}

// forgive forgets the refusals of a cluster that has changed since.
func (h *Hub) forgive(name string) {
	delete(h.refused, refusedKey{typeURL: envoy.ClusterType, name: name})
	delete(h.refused, refusedKey{typeURL: envoy.EndpointType, name: name})
}

// forgiveProxy forgets what a proxy refused once its last stream has ended.
func (h *Hub) forgiveProxy(id string) {
	for m := range h.byPod[podOf(id)] {
		if m.claims.ID == id {
			return
		}
	}
	maps.DeleteFunc(h.refused, func(_ refusedKey, r Refusal) bool { return r.ProxyID == id })
}

// logNew tells the log of problems that a change brought.
func (h *Hub) logNew(was, is *Entry) {
	if is == nil {
		return
	}
	known := map[model.Problem]bool{}
	if was != nil {
		for _, p := range was.allProblems() {
			known[p] = true
		}
	}
	h.logProblems(known, is.allProblems())
}

func (h *Hub) logProblems(known map[model.Problem]bool, all []model.Problem) {
	for _, p := range all {
		if !known[p] && p.Severity != model.Info {
			h.log.Warn("a problem", "object", p.Object.String(), "field", p.Field, "reason", p.Reason, "message", p.Message)
		}
	}
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
	for _, e := range h.snap.Load().Entries {
		out = append(out, e.allProblems()...)
	}
	for _, ps := range h.orphans {
		out = append(out, ps...)
	}
	for _, set := range h.snap.Load().Scopes {
		out = append(out, set.problems...)
	}
	out = append(out, h.listenerProblems()...)
	out = append(append(out, h.gatewayProblems()...), h.ztunnelProblems()...)
	for m := range h.members {
		out = append(out, memberProblems(m, h.snap.Load())...)
	}
	for _, r := range h.refused {
		out = append(out, h.rejected(r))
	}
	return model.SortProblems(out)
}

// proxyRef is who a problem belongs to that hangs on a proxy's own claims: its
// listener's address is one.
func proxyRef(id string) model.ObjectRef {
	pod := podOf(id)
	return model.ObjectRef{Kind: model.KindProxy, Namespace: pod.Namespace, Name: pod.Name}
}

// rejected puts a NACK onto the rule, or the first route, else the Service, behind the
// resource.
func (h *Hub) rejected(r Refusal) model.Problem {
	p := model.Problem{
		Object: proxyRef(r.ProxyID), Field: "spec",
		Severity: model.Error, Reason: model.ProxyRejected,
		Message: fmt.Sprintf("%s refused %s: %s", r.ProxyID, r.Name, r.Message),
	}
	if r.TypeURL == workload.AddressType || r.TypeURL == workload.AuthorizationType {
		return h.rejectedWorkload(p, r)
	}
	if r.TypeURL == envoy.SecretType {
		p.Field = "node.metadata.coastwise.certificate"
		p.Message += "; it is sent again until the proxy can read the files that it named"
		return p
	}
	port, subset, host, ok := envoy.ParseClusterName(r.Name)
	if !ok {
		return h.rejectedListener(p, r)
	}
	snap := h.snap.Load()
	for m := range h.byPod[podOf(r.ProxyID)] {
		key, found := snap.Scopes[m.class.key.scope].find(host)
		entry := snap.Entries[key]
		if m.claims.ID != r.ProxyID || !found || entry == nil {
			continue
		}
		p.Object = entry.Object
		if of := entry.made().attached[port]; r.TypeURL == envoy.RouteType && len(of) > 0 {
			p.Object = of[0]
			continue
		}
		id := entry.Select(m.class.proxy, port, subset).PolicyID
		if id != model.NoPolicy && entry.Policies[id].Rule != (model.ObjectRef{}) {
			p.Object = entry.Policies[id].Rule
		}
	}
	return p
}
