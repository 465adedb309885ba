package store

import (
	"maps"
	"reflect"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// meshName is the name of the one MeshConfig that counts.
const meshName = "default"

// apply brings one object up to date and marks what it touches. A kind that is
// not served has nothing to be brought up to date.
func (s *Store) apply(c Change) {
	switch c.Ref.Kind {
	case "Service":
		s.setService(c.Ref, as[*corev1.Service](c.Object))
	case "EndpointSlice":
		s.setSlice(c.Ref, as[*discoveryv1.EndpointSlice](c.Object))
	case "DestinationRule", "DestinationRule." + v1alpha1.IstioGroup:
		s.setRule(c.Ref, newRuleEntry(c.Ref, as[*v1alpha1.DestinationRule](c.Object), c.Fence))
	case v1alpha1.KindServiceEntry, v1alpha1.KindServiceEntry + "." + v1alpha1.IstioGroup:
		s.setEntry(nameOf(c.Ref), as[*v1alpha1.ServiceEntry](c.Object))
	case v1alpha1.KindWorkloadEntry, v1alpha1.KindWorkloadEntry + "." + v1alpha1.IstioGroup:
		s.setWorkload(nameOf(c.Ref), as[*v1alpha1.WorkloadEntry](c.Object))
	case "Node":
		s.setNode(c.Ref.Name, nodeOf(as[*corev1.Node](c.Object)))
	case "Pod":
		s.setPod(ingest.PodName{Namespace: c.Ref.Namespace, Name: c.Ref.Name}, as[*corev1.Pod](c.Object))
	case "Namespace":
		s.setNamespace(c.Ref.Name, as[*corev1.Namespace](c.Object))
	case ingest.KindHTTPRoute:
		s.setRoute(c.Ref, newHTTPEntry(as[*gatewayv1.HTTPRoute](c.Object)))
	case ingest.KindGRPCRoute:
		s.setRoute(c.Ref, newGRPCEntry(as[*gatewayv1.GRPCRoute](c.Object)))
	case ingest.KindGateway:
		s.setGateway(model.GatewayName{Namespace: c.Ref.Namespace, Name: c.Ref.Name}, as[*gatewayv1.Gateway](c.Object))
	case ingest.KindGatewayClass:
		s.setClass(c.Ref.Name, as[*gatewayv1.GatewayClass](c.Object))
	case ingest.KindReferenceGrant:
		s.setGrant(nameOf(c.Ref), as[*gatewayv1.ReferenceGrant](c.Object))
	case "MeshConfig":
		s.setMesh(c.Ref, as[*v1alpha1.MeshConfig](c.Object), c.Fence)
	default:
		if c.Object != nil {
			panic("store: no place for kind " + c.Ref.Kind)
		}
	}
}

// as is the object as its type, nil for none.
func as[T any](object any) T {
	if object == nil {
		var none T
		return none
	}
	return object.(T)
}

func (s *Store) setService(ref model.ObjectRef, service *corev1.Service) {
	key := model.ServiceKey(ref.Namespace, ref.Name)
	old, changed := put(s.services, key, service)
	if !changed {
		return
	}
	s.marks.key(key)
	s.markBackend(key, old, service)
	s.labelService(key, old, false)
	s.labelService(key, service, true)
	if old == nil || service == nil { // it wins over entries of its host
		s.marks.all(s.entries.keys(key.Host))
	}
	delete(s.auto, key)
	if service != nil && ingest.AsksAuto(service) {
		s.auto[key] = true
	}
	if old != nil {
		s.known.add(key.Namespace, key, -1)
	}
	if service != nil {
		s.known.add(key.Namespace, key, +1)
	}
}

func (s *Store) setSlice(ref model.ObjectRef, slice *discoveryv1.EndpointSlice) {
	name := objectName{ref.Namespace, ref.Name}
	held := hold(slice)
	old, changed := put(s.sliceNames, name, held)
	if !changed {
		return
	}
	if old != nil {
		s.dropSlice(old.slice())
	}
	if slice != nil {
		s.addSlice(slice, held)
	}
}

// sliceKey is the service that a slice belongs to; a slice may belong to none.
func sliceKey(slice *discoveryv1.EndpointSlice) (model.Key, bool) {
	service := slice.Labels[discoveryv1.LabelServiceName]
	return model.ServiceKey(slice.Namespace, service), service != ""
}

func (s *Store) addSlice(slice *discoveryv1.EndpointSlice, held *heldSlice) {
	key, ok := sliceKey(slice)
	if !ok {
		return
	}
	s.marks.key(key)
	if s.slices[key] == nil {
		s.slices[key] = map[string]*heldSlice{}
	}
	s.slices[key][slice.Name] = held
	s.tally(key, slice, +1)
}

func (s *Store) dropSlice(slice *discoveryv1.EndpointSlice) {
	key, ok := sliceKey(slice)
	if !ok {
		return
	}
	s.marks.key(key)
	delete(s.slices[key], slice.Name)
	if len(s.slices[key]) == 0 {
		delete(s.slices, key)
	}
	s.tally(key, slice, -1)
}

// tally counts what the endpoints of a slice hang on.
func (s *Store) tally(key model.Key, slice *discoveryv1.EndpointSlice, by int) {
	for i := range slice.Endpoints {
		e := &slice.Endpoints[i]
		if e.NodeName != nil {
			s.byNode.add(*e.NodeName, key, by)
		}
		if e.Zone != nil {
			s.byZone.add(*e.Zone, key, by)
		}
		if pod, ok := target(slice, e); ok {
			s.byPod.add(pod, key, by)
		}
	}
}

func (s *Store) setRule(ref model.ObjectRef, e *ruleEntry) {
	old := s.rules.byRef[ref]
	if e.same(old) {
		return
	}
	s.markRule(old, -1)
	s.rules.set(ref, e)
	s.markRule(e, +1)
}

// markRule marks the services that a rule is for. Rules of every namespace
// count, since a client's own namespace may rule (semantics 3).
func (s *Store) markRule(e *ruleEntry, by int) {
	switch {
	case e == nil:
	case e.wildcard:
		s.marks.many(func(yield func(model.Key) bool) {
			for key := range s.known.all() {
				if ingest.HostMatches(e.pattern, key.Host) && !yield(key) {
					return
				}
			}
		}, s.alone)
	default:
		s.known.add(e.key.Namespace, e.key, by)
		s.marks.key(e.key)
		for _, host := range e.hosts() {
			s.marks.all(s.entries.keys(host))
		}
	}
}

// setNode marks the services with an endpoint on the Node, and those whose zone
// has another region now. Those that ask for topology-mode: Auto hang on every Node.
func (s *Store) setNode(name string, node *ingest.Node) {
	zones, changed, moved := s.nodes.set(name, node)
	if changed {
		s.markAuto()
	}
	if !moved {
		return
	}
	s.marks.node()
	s.marks.many(s.byNode.keys(name), s.alone)
	for _, zone := range zones {
		s.marks.many(s.byZone.keys(zone), s.alone)
		for name, node := range s.nodes.byName {
			if node.Locality.Zone == zone {
				s.marks.many(s.byNode.keys(name), s.alone)
			}
		}
	}
}

func (s *Store) markAuto() {
	s.marks.many(maps.Keys(s.auto), s.alone)
}

func (s *Store) setPod(name ingest.PodName, pod *corev1.Pod) {
	old := s.pods[name]
	if !reflect.DeepEqual(old, pod) {
		s.marks.workload(podWorkload(name))
	}
	if pod == nil {
		delete(s.pods, name)
	} else {
		s.pods[name] = pod
	}
	identity := !sameIdentity(old, pod)
	if identity {
		s.marks.pod(name)
	}
	if identity || !sameReadiness(old, pod) || !sameTunnel(old, pod) {
		s.marks.all(s.byPod.keys(name))
	}
	s.selectPod(name, old, pod)
}

func sameIdentity(a, b *corev1.Pod) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Spec.NodeName == b.Spec.NodeName && maps.Equal(a.Labels, b.Labels)
}

// sameTunnel compares what says that a ztunnel is in front of a Pod, and whom it shows;
// labels are identity.
func sameTunnel(a, b *corev1.Pod) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Spec.ServiceAccountName == b.Spec.ServiceAccountName && a.Spec.HostNetwork == b.Spec.HostNetwork &&
		maps.Equal(a.Annotations, b.Annotations)
}

// sameReadiness compares what tells a pod that was never ready (semantics 7).
func sameReadiness(a, b *corev1.Pod) bool {
	if a == nil || b == nil {
		return a == b
	}
	return readiness(a) == readiness(b)
}

// podReadiness has times as text, which compares by instant.
type podReadiness struct {
	ready      corev1.ConditionStatus
	transition string
	start      string
}

func readiness(p *corev1.Pod) podReadiness {
	var r podReadiness
	if p.Status.StartTime != nil {
		r.start = instant(p.Status.StartTime.Time)
	}
	for i := range p.Status.Conditions {
		c := &p.Status.Conditions[i]
		if c.Type == corev1.PodReady { // the first, as ingest reads it
			r.ready, r.transition = c.Status, instant(c.LastTransitionTime.Time)
			break
		}
	}
	return r
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func (s *Store) setNamespace(name string, namespace *corev1.Namespace) {
	old := s.namespaces[name]
	if namespace == nil {
		delete(s.namespaces, name)
	} else {
		s.namespaces[name] = namespace
	}
	if sameNamespace(old, namespace) {
		return
	}
	s.labelNamespace(old, false)
	s.labelNamespace(namespace, true)
	s.marks.namespace(name)
	s.marks.many(s.known.keys(name), s.alone)
	s.markRoutes(s.routes.in[name], s.alone)
}

func sameNamespace(a, b *corev1.Namespace) bool {
	if a == nil || b == nil {
		return a == b
	}
	return maps.Equal(a.Labels, b.Labels) && maps.Equal(a.Annotations, b.Annotations)
}

func (s *Store) setMesh(ref model.ObjectRef, config *v1alpha1.MeshConfig, fence *model.Fence) {
	if ref.Name != meshName {
		return
	}
	if config != nil {
		fence = nil
	}
	if reflect.DeepEqual(s.mesh.Config, config) && reflect.DeepEqual(s.mesh.Fence, fence) {
		return
	}
	s.mesh.Config, s.mesh.Fence = config, fence
	s.marks.everything(s.alone)
}
