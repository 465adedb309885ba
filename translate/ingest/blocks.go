package ingest

import (
	"fmt"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// blocks are the parts of a trafficPolicy that hold for one port and subset,
// each taken whole from where it stands: blocks never merge field by field. A
// nil one is not set.
type blocks struct {
	LoadBalancer     *v1alpha1.LoadBalancer
	ConnectionPool   *v1alpha1.ConnectionPool
	OutlierDetection *v1alpha1.OutlierDetection
	TLS              *v1alpha1.TLS
	// RetryBudget cannot stand in the entry of a port, and none replaces it.
	RetryBudget *v1alpha1.RetryBudget
	// ProxyProtocol likewise.
	ProxyProtocol *v1alpha1.ProxyProtocol
	// Tunnel likewise; a subset has none, since no listener names one.
	Tunnel *v1alpha1.Tunnel
	// At says where each block stands, for Problems; the zero place where it is nil.
	At struct {
		LoadBalancer, ConnectionPool, OutlierDetection, TLS, RetryBudget, ProxyProtocol, Tunnel place
	}
}

// place is a field of an object.
type place struct {
	Object model.ObjectRef
	Field  string
}

func (p place) model() model.Place { return model.Place(p) }

// places are those of the blocks.
func (b *blocks) places() model.Blocks {
	return model.Blocks{
		LoadBalancer: b.At.LoadBalancer.model(), ConnectionPool: b.At.ConnectionPool.model(),
		OutlierDetection: b.At.OutlierDetection.model(), RetryBudget: b.At.RetryBudget.model(),
		TLS: b.At.TLS.model(), ProxyProtocol: b.At.ProxyProtocol.model(), Tunnel: b.At.Tunnel.model(),
	}
}

// child is a field below a place.
func (p place) child(name string) place { return place{p.Object, p.Field + "." + name} }

// subset is one entry of a rule's subsets: its rule and its index there.
type subset struct {
	rule  *v1alpha1.DestinationRule
	index int
}

func (s *subset) spec() *v1alpha1.Subset { return &s.rule.Spec.Subsets[s.index] }

// name is "" for the service as a whole, which is no subset.
func (s *subset) name() string {
	if s == nil {
		return ""
	}
	return s.spec().Name
}

func (s *subset) place() place {
	return place{ruleRef(s.rule), fmt.Sprintf("spec.subsets[%d]", s.index)}
}

// effective is what a rule says for one port and subset
// (reference/destination-rule.md 1): its top level; the entry of the port
// replaces all four blocks wholesale; the subset's policy overrides block by
// block; the subset's entry of the port replaces all four again. rule and sub
// may be nil; sub may be another rule's, whose subsets are united with this one's.
func effective(rule *v1alpha1.DestinationRule, port uint32, sub *subset) blocks {
	var b blocks
	if rule != nil && rule.Spec.TrafficPolicy != nil {
		b.override(rule.Spec.TrafficPolicy, place{ruleRef(rule), "spec.trafficPolicy"})
		b.replace(rule.Spec.TrafficPolicy, port, place{ruleRef(rule), "spec.trafficPolicy"})
	}
	if sub != nil && sub.spec().TrafficPolicy != nil {
		b.override(sub.spec().TrafficPolicy, sub.place().child("trafficPolicy"))
		b.replace(sub.spec().TrafficPolicy, port, sub.place().child("trafficPolicy"))
	}
	if sub != nil {
		b.Tunnel, b.At.Tunnel = nil, place{}
	}
	return b
}

// override takes what t sets.
func (b *blocks) override(t *v1alpha1.TrafficPolicy, at place) {
	if t.LoadBalancer != nil {
		b.LoadBalancer, b.At.LoadBalancer = t.LoadBalancer, at.child("loadBalancer")
	}
	if t.ConnectionPool != nil {
		b.ConnectionPool, b.At.ConnectionPool = t.ConnectionPool, at.child("connectionPool")
	}
	if t.OutlierDetection != nil {
		b.OutlierDetection, b.At.OutlierDetection = t.OutlierDetection, at.child("outlierDetection")
	}
	if t.TLS != nil {
		b.TLS, b.At.TLS = t.TLS, at.child("tls")
	}
	if t.RetryBudget != nil {
		b.RetryBudget, b.At.RetryBudget = t.RetryBudget, at.child("retryBudget")
	}
	if t.ProxyProtocol != nil {
		b.ProxyProtocol, b.At.ProxyProtocol = t.ProxyProtocol, at.child("proxyProtocol")
	}
	if t.Tunnel != nil {
		b.Tunnel, b.At.Tunnel = t.Tunnel, at.child("tunnel")
	}
}

// replace takes the entry of the port whole, if there is one: what it does not
// set is not set.
func (b *blocks) replace(t *v1alpha1.TrafficPolicy, port uint32, at place) {
	i := portEntry(t, port)
	if i < 0 {
		return
	}
	e := &t.PortLevelSettings[i]
	top := *b
	*b = blocks{}
	b.override(&v1alpha1.TrafficPolicy{
		LoadBalancer: e.LoadBalancer, ConnectionPool: e.ConnectionPool, OutlierDetection: e.OutlierDetection, TLS: e.TLS,
	}, at.child(fmt.Sprintf("portLevelSettings[%d]", i)))
	b.RetryBudget, b.At.RetryBudget = top.RetryBudget, top.At.RetryBudget
	b.ProxyProtocol, b.At.ProxyProtocol = top.ProxyProtocol, top.At.ProxyProtocol
	b.Tunnel, b.At.Tunnel = top.Tunnel, top.At.Tunnel
}

// portEntry is the index of the entry of a port, the first if there are several;
// -1 if there is none.
func portEntry(t *v1alpha1.TrafficPolicy, port uint32) int {
	for i := range t.PortLevelSettings {
		if p := t.PortLevelSettings[i].Port; p != nil && uint32(p.Number) == port {
			return i
		}
	}
	return -1
}

// locality is the localityLbSetting, nil if there is none.
func (b *blocks) locality() *v1alpha1.LocalityLbSetting {
	if b.LoadBalancer == nil {
		return nil
	}
	return b.LoadBalancer.LocalityLbSetting
}
