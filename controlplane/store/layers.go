package store

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// layers tells two sources apart, files above the API server: whoever started the
// process gave the files by hand. Of an object that only one of them gives nothing
// is kept here but the names of the files'.
type layers struct {
	// files are the objects that files give, fences among them.
	files map[model.ObjectRef]struct{}
	// shadowed is what the API server gives of those, where it does.
	shadowed map[model.ObjectRef]Change
}

func newLayers() layers {
	return layers{files: map[model.ObjectRef]struct{}{}, shadowed: map[model.ObjectRef]Change{}}
}

// gives says that a Change is more than that an object is gone.
func (c Change) gives() bool { return c.Object != nil || c.Fence != nil }

// ApplyAPI takes a batch of changes as Apply does, but from the API server: an
// object or fence that Apply gave under the same Ref counts, this one is shadowed
// (Problem DuplicateObject), and acts when Apply takes the other back. A batch of one
// is what a watch brings: what many services hang on is marked in Dirty.Bulk then.
func (s *Store) ApplyAPI(batch []Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alone = len(batch) == 1
	for _, c := range batch {
		s.applyBelow(c)
	}
	s.alone = false
	s.signal()
}

// Shadowed says whether the API server gives this object and a file does too, so
// that the file's counts.
func (s *Store) Shadowed(ref model.ObjectRef) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, shadowed := s.layers.shadowed[ref]
	return shadowed
}

// applyAbove is a change by the files.
func (s *Store) applyAbove(c Change) {
	_, gave := s.layers.files[c.Ref]
	switch {
	case c.gives() && !gave:
		s.layers.files[c.Ref] = struct{}{}
		if below := s.held(c.Ref); below.gives() {
			s.layers.shadowed[c.Ref] = below
		}
	case !c.gives() && !gave: // there may be one of the API server's
		return
	case !c.gives():
		delete(s.layers.files, c.Ref)
		if below, shadowed := s.layers.shadowed[c.Ref]; shadowed {
			delete(s.layers.shadowed, c.Ref)
			c = below
		}
	}
	s.apply(c)
}

// applyBelow is a change by the API server.
func (s *Store) applyBelow(c Change) {
	_, covered := s.layers.files[c.Ref]
	switch {
	case !covered:
		s.apply(c)
	case c.gives():
		s.layers.shadowed[c.Ref] = c
	default:
		delete(s.layers.shadowed, c.Ref)
	}
}

// duplicates are the Problems of what is shadowed.
func (l layers) duplicates() []model.Problem {
	var ps []model.Problem
	for ref := range l.shadowed {
		ps = append(ps, model.Problem{
			Object: ref, Field: "metadata.name", Severity: model.Error, Reason: model.DuplicateObject,
			Message: "a file of --from gives this object too, and counts; the API server's is not in use",
		})
	}
	return ps
}

// held is what the store holds of an object now, as a Change that would put it
// back; of a Node, of which only that is held, a Node with that place and CPU.
func (s *Store) held(ref model.ObjectRef) Change {
	c := Change{Ref: ref}
	switch ref.Kind {
	case "Service":
		c.Object = orNil(s.services[model.ServiceKey(ref.Namespace, ref.Name)])
	case "EndpointSlice":
		c.Object = orNil(s.sliceNames[objectName{ref.Namespace, ref.Name}].slice())
	case "DestinationRule", "DestinationRule." + v1alpha1.IstioGroup:
		if e := s.rules.byRef[ref]; e != nil {
			c.Object, c.Fence = orNil(e.rule), e.fence
		}
	case v1alpha1.KindServiceEntry, v1alpha1.KindServiceEntry + "." + v1alpha1.IstioGroup:
		c.Object = orNil(s.entries.byName[nameOf(ref)])
	case v1alpha1.KindWorkloadEntry, v1alpha1.KindWorkloadEntry + "." + v1alpha1.IstioGroup:
		if w := s.workloads[ref.Namespace]; w != nil {
			c.Object = orNil(w.entries[nameOf(ref).name])
		}
	case "Node":
		if node, known := s.nodes.byName[ref.Name]; known {
			c.Object = nodeLike(node)
		}
	case "Pod":
		c.Object = orNil(s.pods[ingest.PodName{Namespace: ref.Namespace, Name: ref.Name}])
	case "Namespace":
		c.Object = orNil(s.namespaces[ref.Name])
	case ingest.KindHTTPRoute, ingest.KindGRPCRoute, ingest.KindGateway, ingest.KindGatewayClass, ingest.KindReferenceGrant:
		c.Object = s.heldGateway(ref)
	case "MeshConfig":
		if ref.Name == meshName {
			c.Object, c.Fence = orNil(s.mesh.Config), s.mesh.Fence
		}
	}
	return c
}

// orNil is a pointer as an object, nil itself if it is nil.
func orNil[T any](object *T) any {
	if object == nil {
		return nil
	}
	return object
}

// nodeLike is the least Node of which the same is held: the inverse of nodeOf.
func nodeLike(n ingest.Node) *corev1.Node {
	labels := map[string]string{}
	for label, value := range map[string]string{
		corev1.LabelTopologyRegion: n.Locality.Region, corev1.LabelTopologyZone: n.Locality.Zone, subZoneLabel: n.Locality.SubZone,
	} {
		if value != "" {
			labels[label] = value
		}
	}
	out := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Labels: labels}}
	if n.MilliCPU != 0 {
		out.Status.Allocatable = corev1.ResourceList{corev1.ResourceCPU: *resource.NewMilliQuantity(n.MilliCPU, resource.DecimalSI)}
	}
	if n.Counts {
		out.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	}
	return out
}
