package snapshot

import (
	"log/slog"
	"maps"
	"slices"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
	"github.com/coastwise/coastwise/translate/workload"
)

// workloadIndex is what the table is made of. Whatever changes marks what hangs on it, and
// flush makes that and nothing else anew. Guarded by the Hub's lock.
type workloadIndex struct {
	store *store.Store
	mesh  workload.Mesh
	log   *slog.Logger
	table *Workloads

	parts     map[model.Key]*workload.Part
	behind    map[workload.ID][]model.Key // services of a workload, sorted
	known     map[workload.ID]known
	waypoints map[model.GatewayName]*workload.Waypoint
	// pods are the service accounts of the pods of each Gateway.
	pods  map[model.GatewayName]map[workload.ID]string
	nodes *ingest.Nodes
	// labelled are the pods whose own label names a waypoint.
	labelled map[workload.ID]struct{}

	dirty    map[workload.ID]struct{}
	gateways map[model.GatewayName]struct{}
	services map[model.Key]struct{}
}

// known is what a workload hangs on beside its own object and its services.
type known struct {
	name     string // of its resource, "" for none
	node     string
	gateway  model.GatewayName // whose pod it is
	waypoint model.GatewayName // that its labels name
}

func newWorkloadIndex(st *store.Store, mesh workload.Mesh, log *slog.Logger) *workloadIndex {
	return &workloadIndex{
		store: st, mesh: mesh, log: log, table: &Workloads{},
		parts: map[model.Key]*workload.Part{}, behind: map[workload.ID][]model.Key{}, known: map[workload.ID]known{},
		waypoints: map[model.GatewayName]*workload.Waypoint{}, pods: map[model.GatewayName]map[workload.ID]string{},
		nodes: &ingest.Nodes{}, labelled: map[workload.ID]struct{}{}, dirty: map[workload.ID]struct{}{},
		gateways: map[model.GatewayName]struct{}{}, services: map[model.Key]struct{}{},
	}
}

// everything marks all that there is: the index is new.
func (x *workloadIndex) everything() {
	x.nodes = x.store.Nodes()
	for _, name := range x.store.GatewayNames() {
		x.gateways[name] = struct{}{}
	}
	for _, key := range x.store.Keys() {
		x.services[key] = struct{}{}
	}
	x.markAll(x.store.Workloads())
}

func (x *workloadIndex) markAll(names []model.WorkloadName) {
	for _, name := range names {
		x.dirty[workload.ID{WorkloadName: name}] = struct{}{}
	}
}

// mark notes what a publish has taken from the store, services excepted: these are told
// by service, when they are built.
func (x *workloadIndex) mark(d store.Dirty) {
	x.markAll(d.Workloads)
	for _, name := range d.Gateways {
		x.gateways[name] = struct{}{}
	}
	for _, namespace := range d.Namespaces {
		x.markAll(x.store.WorkloadsIn(namespace))
		for name := range x.waypoints {
			if name.Namespace == namespace {
				x.gateways[name] = struct{}{}
			}
		}
	}
	if d.Nodes {
		x.moved(x.store.Nodes())
	}
}

// moved marks the workloads on Nodes whose place is another, or whose zone has another region.
func (x *workloadIndex) moved(now *ingest.Nodes) {
	was := x.nodes
	x.nodes = now
	for id, k := range x.known {
		before, after := was.ByName[k.node].Locality, now.ByName[k.node].Locality
		if before != after || was.Regions[after.Zone] != now.Regions[after.Zone] {
			x.dirty[id] = struct{}{}
		}
	}
}

// service takes the newest form of a service, nil for none, and marks what differs. A
// service that cannot be said keeps its last form.
func (x *workloadIndex) service(key model.Key, s *model.Service, o ingest.Objects, e *edit) {
	var waypoint *workload.Waypoint
	if s != nil {
		waypoint = x.waypoints[s.Waypoint]
	}
	var part *workload.Part
	err := contained(func() (err error) {
		part, err = workload.NewPart(s, o, waypoint)
		return err
	})
	if err != nil {
		x.log.Error("a service could not be said to ztunnels; its last form stays", "service", key.Host, "err", err)
		return
	}
	was := x.parts[key]
	for _, id := range workload.Touched(was, part) {
		x.dirty[id] = struct{}{}
		_, is := part.Members[id]
		x.relate(id, key, is)
	}
	e.set(workload.AddressType, key.Namespace+"/"+key.Host, part.Service)
	if part.Service == nil {
		delete(x.parts, key)
	} else {
		x.parts[key] = part
	}
	delete(x.services, key)
}

// relate says whether a workload is behind a service.
func (x *workloadIndex) relate(id workload.ID, key model.Key, is bool) {
	keys := x.behind[id]
	i, found := slices.BinarySearchFunc(keys, key, model.Key.Compare)
	switch {
	case is && !found:
		keys = slices.Insert(keys, i, key)
	case !is && found:
		keys = slices.Delete(keys, i, i+1)
	}
	if len(keys) == 0 {
		delete(x.behind, id)
	} else {
		x.behind[id] = keys
	}
}

// flush makes everything anew that is marked. e has what services said already; nil for
// nothing.
func (x *workloadIndex) flush(e *edit) *edit {
	if e == nil {
		e = newEdit(x.table)
	}
	for id := range x.dirty {
		x.belongs(id)
	}
	for name := range x.gateways {
		x.gateway(name, e)
	}
	clear(x.gateways)
	for _, key := range slices.SortedFunc(maps.Keys(x.services), model.Key.Compare) {
		o := x.store.Objects(key)
		s, _, err := ingestSafely(o)
		if err != nil {
			x.log.Error("a service could not be said to ztunnels; its last form stays", "service", key.Host, "err", err)
			continue
		}
		x.service(key, s, o, e)
	}
	clear(x.services)
	for id := range x.dirty {
		x.workload(id, e)
	}
	clear(x.dirty)
	x.table = e.table()
	return e
}

// belongs notes whose pod a workload is; the Gateway's accounts may differ then.
func (x *workloadIndex) belongs(id workload.ID) {
	was := x.known[id].gateway
	now, account := model.GatewayName{}, ""
	if pod, _ := x.store.Workload(id.WorkloadName); pod != nil {
		now = workload.GatewayOf(pod)
		account = pod.Spec.ServiceAccountName
		if account == "" {
			account = "default"
		}
	}
	if was != now && was != (model.GatewayName{}) {
		delete(x.pods[was], id)
		x.gateways[was] = struct{}{}
	}
	if now == (model.GatewayName{}) || x.pods[now][id] == account {
		return
	}
	if x.pods[now] == nil {
		x.pods[now] = map[workload.ID]string{}
	}
	x.pods[now][id] = account
	x.gateways[now] = struct{}{}
}

// gateway looks at a Gateway again, and marks what hangs on it if it is another waypoint.
func (x *workloadIndex) gateway(name model.GatewayName, e *edit) {
	is, was := x.waypoint(name), x.waypoints[name]
	if is.Equal(was) {
		return
	}
	policy, err := is.Authorization()
	if err != nil {
		x.log.Error("a waypoint could not be said to ztunnels; its last form stays", "gateway", name.String(), "err", err)
		return
	}
	e.set(workload.AuthorizationType, workload.PolicyOf(name), policy)
	if is == nil {
		delete(x.waypoints, name)
	} else {
		x.waypoints[name] = is
	}
	for key, part := range x.parts {
		if part.Waypoint != name {
			continue
		}
		x.services[key] = struct{}{}
		for id := range part.Members {
			x.dirty[id] = struct{}{}
		}
	}
	for id, k := range x.known {
		if k.gateway == name || k.waypoint == name {
			x.dirty[id] = struct{}{}
		}
	}
}

// waypoint is a Gateway as ztunnels know it; nil where it is none, or not valid.
func (x *workloadIndex) waypoint(name model.GatewayName) *workload.Waypoint {
	o := x.store.GatewayObjects(name)
	g, _ := ingest.Gateway(o)
	if g == nil || g.Kind != model.Waypoint || g.Waypoint.Port == 0 {
		return nil
	}
	network := ""
	if ns := x.store.Namespace(name.Namespace); ns != nil {
		network = ns.Labels[model.LabelNetwork]
	}
	accounts := slices.Compact(slices.Sorted(maps.Values(x.pods[name])))
	return workload.NewWaypoint(g, o.Gateway, network, accounts)
}

// workload makes one workload anew.
func (x *workloadIndex) workload(id workload.ID, e *edit) {
	o := workload.Objects{
		ID: id, Nodes: x.nodes, Namespace: x.store.Namespace(id.Namespace),
		Waypoint: func(name model.GatewayName) *workload.Waypoint { return x.waypoints[name] },
	}
	o.Pod, o.Entry = x.store.Workload(id.WorkloadName)
	for _, key := range x.behind[id] {
		o.Members = append(o.Members, x.parts[key].Members[id])
	}
	var r *envoy.Resource
	err := contained(func() (err error) {
		r, err = x.mesh.Workload(o)
		return err
	})
	if err != nil {
		x.log.Error("a workload could not be said to ztunnels; its last form stays", "workload", id.Namespace+"/"+id.Name, "err", err)
		return
	}
	k := known{waypoint: o.OwnWaypoint()}
	if name, _, _ := ingest.PodWaypointName(o.Pod, nil); name != (model.GatewayName{}) {
		x.labelled[id] = struct{}{}
	} else {
		delete(x.labelled, id)
	}
	if o.Pod != nil {
		k.node, k.gateway = o.Pod.Spec.NodeName, workload.GatewayOf(o.Pod)
	}
	if r != nil {
		k.name = r.Name
	}
	if was := x.known[id].name; was != "" && was != k.name {
		e.set(workload.AddressType, was, nil)
	}
	if r != nil {
		e.set(workload.AddressType, r.Name, r)
	}
	if o.Pod == nil && o.Entry == nil && len(o.Members) == 0 {
		delete(x.known, id)
		return
	}
	x.known[id] = k
}
