package main

import (
	"slices"
	"strings"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// question is what translate is asked: everything that one client would
// receive, or one service of it.
type question struct {
	claims model.Proxy
	host   string // as given; "" is every service
	port   uint32 // 0 is every port
	subset string // only this one, if set
	// tlsDirs are folders of secrets.
	tlsDirs []string
}

// answer is what the client would receive.
type answer struct {
	proxy    model.Proxy
	services []*model.Service // that the client is served, as translate.Owners orders them
	clusters []cluster
	problems []model.Problem
	one      bool // a service was asked for
	// listeners are the explicit ones of the client.
	listeners []envoy.Explicit
	// waypoint is the listener of the client's Gateway, domain the trust domain.
	waypoint model.WaypointListener
	domain   string
	// entrances are those that its services share, and ports what is behind them.
	entrances []envoy.Entrance
	ports     []envoy.Chain
	// edge is the Gateway at the edge that the client runs, nil for none.
	edge *model.GatewayObject
}

// cluster is one cluster of the answer.
type cluster struct {
	name, host, subset string
	port               uint32
	built              translate.Built
	routes             []model.Route // of its port, in order
}

// ask answers a question from the objects in a store.
func ask(st *store.Store, q question) (answer, error) {
	a := answer{problems: st.Problems(), one: q.host != "", domain: st.TrustDomain()}
	var err error
	if a.proxy, err = client(st, q.claims); err != nil {
		return a, err
	}
	a.waypoint = waypointListener(st, a.proxy)
	a.proxy.HBONE = a.waypoint.Form == model.HBONE
	all := ingestAll(st)
	scope := translate.NamespaceScope(st.Namespace(a.proxy.Namespace))
	var visible []*model.Service
	fronts := all.fronts()
	for _, s := range all.services {
		if translate.Visible(s, a.proxy, scope, fronts[s.Key]...) {
			visible = append(visible, s)
		}
	}
	var lost []model.Problem
	a.services, lost = translate.Owners(a.proxy.Namespace, visible)
	only, err := q.key(a.services, all.services)
	if err != nil {
		return a, err
	}
	for _, s := range all.services {
		if s.Key == only && !slices.Contains(visible, s) {
			return a, hiddenService(s, a.proxy)
		}
	}
	a.problems = append(append(a.problems, lost...), all.problemsOf(q, only)...)
	a.runs(st, q)
	a.listen(only, q)
	a.captured(st.Mesh().RegistryOnly(), only, q)
	chosen, err := q.choose(a.services, only)
	if err != nil {
		return a, err
	}
	for _, s := range chosen {
		a.add(s, q)
	}
	if q.subset != "" && len(a.clusters) == 0 {
		return a, unknownSubset(q.subset, a.allSubsets(chosen))
	}
	return a, nil
}

// ingested is every service of a store, by key, and what was found on the way.
type ingested struct {
	services []*model.Service
	problems map[model.Key][]model.Problem
	// orphans are the problems of keys without a service.
	orphans []model.Problem
	// gateways are the problems of Gateways, and of the routes that name one.
	gateways []model.Problem
}

func ingestAll(st *store.Store) ingested {
	all := ingested{problems: map[model.Key][]model.Problem{}}
	for _, key := range st.Keys() {
		s, problems := ingest.Service(st.Objects(key))
		if s == nil {
			all.orphans = append(all.orphans, problems...)
			continue
		}
		all.services = append(all.services, s)
		all.problems[key] = problems
	}
	for _, name := range st.GatewayNames() {
		_, problems := ingest.Gateway(st.GatewayObjects(name))
		all.gateways = append(all.gateways, problems...)
	}
	return all
}

// fronts are the waypoints that reach services as backends.
func (all ingested) fronts() map[model.Key][]model.GatewayName {
	return translate.Fronts(slices.Values(all.services), func(key model.Key) *model.Service {
		i := slices.IndexFunc(all.services, func(s *model.Service) bool { return s.Key == key })
		if i < 0 {
			return nil
		}
		return all.services[i]
	})
}

// problemsOf are those of every service and Gateway, or of the service that was asked for.
func (all ingested) problemsOf(q question, only model.Key) []model.Problem {
	out := slices.Clone(all.orphans)
	if q.host == "" {
		out = append(out, all.gateways...)
	}
	for _, s := range all.services {
		if q.host == "" || s.Key == only {
			out = append(out, all.problems[s.Key]...)
		}
	}
	return out
}

// locate says of problems that were found after reading where their objects stand.
func (a *answer) locate(where whereabouts) {
	for i := range a.problems {
		p := &a.problems[i]
		if p.File != "" {
			continue
		}
		if file, document, ok := where(p.Object); ok {
			p.File, p.Document = file, document
		}
	}
	a.problems = model.SortProblems(a.problems)
}

// client turns claims into the proxy, as the server does.
func client(st *store.Store, claims model.Proxy) (model.Proxy, error) {
	_, name, _ := strings.Cut(claims.ID, "/")
	nodes := st.Nodes()
	p, _ := translate.Client(claims, nodes, st.Pod(ingest.PodName{Namespace: claims.Namespace, Name: name}))
	if _, known := nodes.ByName[p.Node]; claims.Node == p.Node && p.Node != "" && !known && claims.Locality.Empty() {
		return p, unknownNode(p.Node, nodes)
	}
	return p, nil
}

// add builds the clusters of one service that were asked for.
func (a *answer) add(s *model.Service, q question) {
	for _, port := range s.Ports {
		if q.port != 0 && port.Number != q.port {
			continue
		}
		if q.subset != "" {
			if s.HasSubset(a.proxy, q.subset) {
				a.build(s, port.Number, q.subset)
			}
			continue
		}
		a.build(s, port.Number, "")
		for _, subset := range a.subsetsOf(s) {
			a.build(s, port.Number, subset)
		}
	}
}

func (a *answer) subsetsOf(s *model.Service) []string {
	return s.SubsetsOf(a.proxy.Kind, a.proxy.Namespace, func(sel model.Selector) bool { return sel.Matches(a.proxy.Labels) })
}

// allSubsets are those that the client has of some services.
func (a *answer) allSubsets(services []*model.Service) []string {
	var out []string
	for _, s := range services {
		out = append(out, a.subsetsOf(s)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// build makes one cluster. One that cannot be built is a Problem of its
// service, and the rest of the answer stands.
func (a *answer) build(s *model.Service, port uint32, subset string) {
	built, err := translate.Build(s, s.Select(a.proxy, port, subset))
	if err != nil {
		a.problems = append(a.problems, model.Problem{
			Object: s.Object, Field: "spec", Severity: model.Error, Reason: model.BuildFailed, Message: err.Error(),
		})
		return
	}
	a.problems = append(a.problems, built.Problems...)
	a.clusters = append(a.clusters, cluster{
		name: envoy.ClusterName(port, subset, s.Host),
		host: s.Host, port: port, subset: subset, built: built, routes: a.routesOf(s, port, subset),
	})
}

// choose keeps the services that were asked for; an error names what there is
// instead.
func (q question) choose(services []*model.Service, only model.Key) ([]*model.Service, error) {
	if q.host == "" {
		return services, nil
	}
	for _, s := range services {
		if s.Key != only {
			continue
		}
		if _, ok := s.Port(q.port); q.port != 0 && !ok {
			return nil, unknownPort(s, q.port)
		}
		return []*model.Service{s}, nil
	}
	return nil, unknownService(only.Host, services)
}

// key reads the host as a client of that namespace means it: exactly that of an
// entry, of those that it is served first, else by the rules for short names.
func (q question) key(served, all []*model.Service) (model.Key, error) {
	if q.host == "" {
		return model.Key{}, nil
	}
	for _, s := range slices.Concat(served, all) {
		if s.HostField != "" && s.Host == strings.ToLower(q.host) {
			return s.Key, nil
		}
	}
	key, wildcard := ingest.RuleKey(q.claims.Namespace, q.host)
	if wildcard {
		return key, usagef("--service: %q: a wildcard names no single service", q.host)
	}
	return key, nil
}
