package store

import (
	"maps"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// routeEntry is an HTTPRoute or a GRPCRoute, and what it refers to, each once.
type routeEntry struct {
	http      *gatewayv1.HTTPRoute
	grpc      *gatewayv1.GRPCRoute
	namespace string
	services  []model.Key // parents
	gateways  []model.GatewayName
	backends  []model.Key // and mirrors
	foreign   []string    // other namespaces than its own in which backends are
}

// routeIndex finds routes by what they refer to.
type routeIndex struct {
	byRef     map[model.ObjectRef]*routeEntry
	ofService members[model.Key, model.ObjectRef]
	ofGateway members[model.GatewayName, model.ObjectRef]
	byBackend members[model.Key, model.ObjectRef]
	in        members[string, model.ObjectRef]
	into      members[string, model.ObjectRef] // by other namespaces of backends
}

func newRouteIndex() routeIndex {
	return routeIndex{
		byRef:     map[model.ObjectRef]*routeEntry{},
		ofService: members[model.Key, model.ObjectRef]{},
		ofGateway: members[model.GatewayName, model.ObjectRef]{},
		byBackend: members[model.Key, model.ObjectRef]{},
		in:        members[string, model.ObjectRef]{},
		into:      members[string, model.ObjectRef]{},
	}
}

func newHTTPEntry(route *gatewayv1.HTTPRoute) *routeEntry {
	if route == nil {
		return nil
	}
	e := &routeEntry{http: route, namespace: route.Namespace}
	e.refer(route.Spec.ParentRefs, ingest.HTTPBackends(route))
	return e
}

func newGRPCEntry(route *gatewayv1.GRPCRoute) *routeEntry {
	if route == nil {
		return nil
	}
	e := &routeEntry{grpc: route, namespace: route.Namespace}
	e.refer(route.Spec.ParentRefs, ingest.GRPCBackends(route))
	return e
}

// object is the route itself, nil for none.
func (e *routeEntry) object() any {
	switch {
	case e == nil:
		return nil
	case e.http != nil:
		return e.http
	}
	return e.grpc
}

// refer notes what the route refers to.
func (e *routeEntry) refer(parents []gatewayv1.ParentReference, backends []*gatewayv1.BackendObjectReference) {
	for i := range parents {
		if key, ok := ingest.ParentService(e.namespace, &parents[i]); ok && !slices.Contains(e.services, key) {
			e.services = append(e.services, key)
		}
		if name, ok := ingest.ParentGateway(e.namespace, &parents[i]); ok && !slices.Contains(e.gateways, name) {
			e.gateways = append(e.gateways, name)
		}
	}
	for _, ref := range backends {
		namespace, key, ok := ingest.BackendService(e.namespace, ref)
		if !ok {
			continue
		}
		if !slices.Contains(e.backends, key) {
			e.backends = append(e.backends, key)
		}
		if namespace != e.namespace && !slices.Contains(e.foreign, namespace) {
			e.foreign = append(e.foreign, namespace)
		}
	}
}

// index puts an entry under all that it refers to, or takes it away.
func (x routeIndex) index(ref model.ObjectRef, e *routeEntry, there bool) {
	for _, key := range e.services {
		x.ofService.set(key, ref, there)
	}
	for _, name := range e.gateways {
		x.ofGateway.set(name, ref, there)
	}
	for _, key := range e.backends {
		x.byBackend.set(key, ref, there)
	}
	for _, namespace := range e.foreign {
		x.into.set(namespace, ref, there)
	}
	x.in.set(e.namespace, ref, there)
}

func (s *Store) setRoute(ref model.ObjectRef, e *routeEntry) {
	old, changed := put(s.routes.byRef, ref, e)
	if !changed {
		return
	}
	if old != nil {
		s.routes.index(ref, old, false)
		s.markParents(old)
		s.knowParents(old, -1)
	}
	if e != nil {
		s.routes.index(ref, e, true)
		s.markParents(e)
		s.knowParents(e, +1)
	}
}

// knowParents makes keys of the services that a route has as parents, so that somebody
// says where there is none.
func (s *Store) knowParents(e *routeEntry, by int) {
	for _, key := range e.services {
		s.known.add(key.Namespace, key, by)
	}
}

// markParents marks the services and Gateways on which a route is.
func (s *Store) markParents(e *routeEntry) {
	for _, key := range e.services {
		s.marks.key(key)
	}
	for _, name := range e.gateways {
		s.marks.gateway(name)
	}
}

// markRoutes marks the parents of some routes, which are many where somebody asks for
// what hangs on a whole namespace.
func (s *Store) markRoutes(refs map[model.ObjectRef]struct{}, alone bool) {
	for ref := range refs {
		e := s.routes.byRef[ref]
		s.marks.many(slices.Values(e.services), alone)
		for _, name := range e.gateways {
			s.marks.gateway(name)
		}
	}
}

// markBackend marks the parents of the routes that name a Service that came, went or
// changed as a backend or mirror: labels say whether it is served at all, annotations
// for whom.
func (s *Store) markBackend(key model.Key, old, service *corev1.Service) {
	if old != nil && service != nil && reflect.DeepEqual(old.Spec, service.Spec) &&
		maps.Equal(old.Labels, service.Labels) && maps.Equal(old.Annotations, service.Annotations) {
		return
	}
	s.markRoutes(s.routes.byBackend[key], false)
}

// setGrant marks what refers into the namespace of a ReferenceGrant.
func (s *Store) setGrant(name objectName, grant *gatewayv1.ReferenceGrant) {
	old := s.grants[name.namespace][name.name]
	if reflect.DeepEqual(old, grant) {
		return
	}
	if delete(s.grants[name.namespace], name.name); len(s.grants[name.namespace]) == 0 {
		delete(s.grants, name.namespace)
	}
	if grant != nil {
		if s.grants[name.namespace] == nil {
			s.grants[name.namespace] = map[string]*gatewayv1.ReferenceGrant{}
		}
		s.grants[name.namespace][name.name] = grant
	}
	s.markRoutes(s.routes.into[name.namespace], false)
	for gateway := range s.gateways.into.of(name.namespace) {
		s.marks.gateway(gateway)
	}
}

// routing is of some routes, and of other namespaces into which something refers.
func (s *Store) routing(refs map[model.ObjectRef]struct{}, into []string) ingest.Routing {
	var r ingest.Routing
	if len(refs) == 0 && len(into) == 0 {
		return r
	}
	r.Backends, r.Namespaces = map[model.Key]*corev1.Service{}, map[string]*corev1.Namespace{}
	granting := map[string]bool{}
	for _, namespace := range into {
		granting[namespace] = true
	}
	for _, ref := range slices.SortedFunc(maps.Keys(refs), model.ObjectRef.Compare) {
		e := s.routes.byRef[ref]
		if e.http != nil {
			r.HTTP = append(r.HTTP, e.http)
		} else {
			r.GRPC = append(r.GRPC, e.grpc)
		}
		for _, key := range e.backends {
			if service := s.services[key]; service != nil {
				r.Backends[key] = service
			}
		}
		for _, namespace := range e.foreign {
			granting[namespace] = true
		}
		if namespace := s.namespaces[e.namespace]; namespace != nil {
			r.Namespaces[e.namespace] = namespace
		}
	}
	for _, namespace := range slices.Sorted(maps.Keys(granting)) {
		grants := s.grants[namespace]
		for _, name := range slices.Sorted(maps.Keys(grants)) {
			r.Grants = append(r.Grants, grants[name])
		}
	}
	return r
}
