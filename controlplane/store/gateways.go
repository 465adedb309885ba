package store

import (
	"iter"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// gatewayIndex finds Gateways, and what is attached to them by labels.
type gatewayIndex struct {
	byName  map[model.GatewayName]*gatewayv1.Gateway
	ofClass members[string, model.GatewayName]
	into    members[string, model.GatewayName] // by other namespaces of certificates
	// users are the Services, entries and Namespaces whose own labels name it as waypoint.
	users members[model.GatewayName, user]
	// services are those that lead to it, by label.
	services members[model.GatewayName, model.Key]
}

// user is what has a label that names a waypoint: a whole namespace, or the service of a
// key, by its Service or by an entry.
type user struct {
	namespace string // "" for a service
	key       model.Key
	entry     objectName // zero for a Service
}

func newGatewayIndex() gatewayIndex {
	return gatewayIndex{
		byName:   map[model.GatewayName]*gatewayv1.Gateway{},
		ofClass:  members[string, model.GatewayName]{},
		into:     members[string, model.GatewayName]{},
		users:    members[model.GatewayName, user]{},
		services: members[model.GatewayName, model.Key]{},
	}
}

// certificateNamespaces are those of a Gateway's certificates other than its own.
func certificateNamespaces(g *gatewayv1.Gateway) []string {
	var all []string
	for i := range g.Spec.Listeners {
		tls := g.Spec.Listeners[i].TLS
		if tls == nil {
			continue
		}
		for _, ref := range tls.CertificateRefs {
			if ref.Namespace != nil && string(*ref.Namespace) != g.Namespace && !slices.Contains(all, string(*ref.Namespace)) {
				all = append(all, string(*ref.Namespace))
			}
		}
	}
	return all
}

func (x gatewayIndex) index(name model.GatewayName, g *gatewayv1.Gateway, there bool) {
	x.ofClass.set(string(g.Spec.GatewayClassName), name, there)
	for _, namespace := range certificateNamespaces(g) {
		x.into.set(namespace, name, there)
	}
}

func (s *Store) setGateway(name model.GatewayName, g *gatewayv1.Gateway) {
	old, changed := put(s.gateways.byName, name, g)
	if !changed {
		return
	}
	if old != nil {
		s.gateways.index(name, old, false)
	}
	if g != nil {
		s.gateways.index(name, g, true)
	}
	s.markGateway(name)
}

// setClass marks the Gateways of a class, and what is attached to them.
func (s *Store) setClass(name string, class *gatewayv1.GatewayClass) {
	if _, changed := put(s.classes, name, class); !changed {
		return
	}
	for gateway := range s.gateways.ofClass.of(name) {
		s.markGateway(gateway)
	}
}

// markGateway marks a Gateway and the services whose labels name it as their waypoint.
func (s *Store) markGateway(name model.GatewayName) {
	s.marks.gateway(name)
	s.marks.many(s.attached(name), s.alone)
}

// attached are the services whose labels name a Gateway, in no order, perhaps repeated.
func (s *Store) attached(name model.GatewayName) iter.Seq[model.Key] {
	return func(yield func(model.Key) bool) {
		for u := range s.gateways.users.of(name) {
			if u.namespace == "" {
				if !yield(u.key) {
					return
				}
				continue
			}
			for key := range s.known.keys(u.namespace) {
				if now, _, _ := s.labels(key).WaypointName(); now == name && !yield(key) {
					return
				}
			}
		}
	}
}

// labels are the objects of a key whose labels may name a waypoint.
func (s *Store) labels(key model.Key) ingest.Objects {
	o := ingest.Objects{Key: key, Service: s.services[key], Namespace: s.namespaces[key.Namespace]}
	for _, e := range s.entries.hosts[key.Host][key.Namespace] {
		o.Entries = append(o.Entries, e)
	}
	ingest.SortEntries(o.Entries)
	return o
}

// labelService brings up to date which Gateways the labels of a Service name.
func (s *Store) labelService(key model.Key, service *corev1.Service, there bool) {
	if service == nil {
		return
	}
	if name, _, _ := ingest.WaypointName(service, nil); name != (model.GatewayName{}) {
		s.gateways.users.set(name, user{key: key}, there)
	}
	if name := service.Labels[gatewayv1.GatewayNameLabelKey]; name != "" {
		gateway := model.GatewayName{Namespace: service.Namespace, Name: name}
		s.gateways.services.set(gateway, key, there)
		s.marks.gateway(gateway)
	}
}

// labelEntry is the same for an entry.
func (s *Store) labelEntry(name objectName, e *v1alpha1.ServiceEntry, there bool) {
	gateway, _, _ := ingest.Objects{Entries: []*v1alpha1.ServiceEntry{e}}.WaypointName()
	if gateway == (model.GatewayName{}) {
		return
	}
	for _, host := range e.Spec.Hosts {
		s.gateways.users.set(gateway, user{key: model.Key{Namespace: e.Namespace, Host: host}, entry: name}, there)
	}
}

// labelNamespace is the same for a Namespace.
func (s *Store) labelNamespace(namespace *corev1.Namespace, there bool) {
	if namespace == nil {
		return
	}
	if name, _, _ := ingest.WaypointName(nil, namespace); name != (model.GatewayName{}) {
		s.gateways.users.set(name, user{namespace: namespace.Name}, there)
	}
}

// addWaypoint is what is known of the Gateway that the labels of a service name.
func (s *Store) addWaypoint(o *ingest.Objects) {
	name, _, _ := o.WaypointName()
	g := s.gateways.byName[name]
	if g == nil {
		return
	}
	o.Gateways = map[model.GatewayName]*gatewayv1.Gateway{name: g}
	if class := s.classes[string(g.Spec.GatewayClassName)]; class != nil {
		o.Classes = map[string]*gatewayv1.GatewayClass{class.Name: class}
	}
}

// heldGateway is the object of one of the Gateway API's kinds, nil for none.
func (s *Store) heldGateway(ref model.ObjectRef) any {
	switch ref.Kind {
	case ingest.KindGateway:
		return orNil(s.gateways.byName[model.GatewayName{Namespace: ref.Namespace, Name: ref.Name}])
	case ingest.KindGatewayClass:
		return orNil(s.classes[ref.Name])
	case ingest.KindReferenceGrant:
		return orNil(s.grants[ref.Namespace][ref.Name])
	}
	return s.routes.byRef[ref].object()
}

// GatewayObjects is all that is known about one Gateway. Its cost is that of its routes
// and Services.
func (s *Store) GatewayObjects(name model.GatewayName) ingest.GatewayObjects {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := ingest.GatewayObjects{Name: name, Gateway: s.gateways.byName[name], Credentials: s.credentials}
	var into []string
	if o.Gateway != nil {
		o.Class = s.classes[string(o.Gateway.Spec.GatewayClassName)]
		into = certificateNamespaces(o.Gateway)
	}
	o.Routing = s.routing(s.routes.ofGateway[name], into)
	for _, key := range slices.SortedFunc(s.gateways.services.of(name), model.Key.Compare) {
		o.Services = append(o.Services, s.services[key])
	}
	return o
}

// GatewayNames are those of all Gateways that are held, sorted.
func (s *Store) GatewayNames() []model.GatewayName {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Keys(s.gateways.byName), model.GatewayName.Compare)
}
