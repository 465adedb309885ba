package workload

import (
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/third_party/istio/workloadapi"
	"github.com/coastwise/coastwise/third_party/istio/workloadapi/security"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

func serviceOf(edit func(*corev1.Service)) ingest.Objects {
	s := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop"},
		Spec: corev1.ServiceSpec{ClusterIP: "10.96.0.1", IPFamilies: []corev1.IPFamily{corev1.IPv4Protocol}, Ports: []corev1.ServicePort{
			{Name: "http", Port: 80, TargetPort: intstr.FromInt32(8080)}, {Name: "grpc", Port: 90, TargetPort: intstr.FromString("named")}, {Name: "x", Port: 91},
		}},
	}
	if edit != nil {
		edit(s)
	}
	return ingest.Objects{Service: s}
}

func message(t *testing.T, o ingest.Objects, w *Waypoint) *workloadapi.Service {
	t.Helper()
	s, _ := ingest.Service(o)
	part, err := NewPart(s, o, w)
	if err != nil {
		t.Fatal(err)
	}
	if part.Service == nil {
		return nil
	}
	a := &workloadapi.Address{}
	if err := proto.Unmarshal(part.Service.Body, a); err != nil {
		t.Fatal(err)
	}
	return a.GetService()
}

func TestService(t *testing.T) {
	o := serviceOf(nil)
	o.Namespace = &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{model.LabelNetwork: "net"}}}
	want := &workloadapi.Service{}
	if err := prototext.Unmarshal([]byte(`
name: "web" namespace: "shop" hostname: "web.shop.svc.cluster.local" addresses {network: "net" address: "\n\140\000\001"}
ports {service_port: 80 target_port: 8080 app_protocol: HTTP11} ports {service_port: 90 app_protocol: GRPC} ports {service_port: 91 target_port: 91}
waypoint {address {network: "n" address: "\n\140\000\011"} hbone_mtls_port: 15008} ip_families: IPV4_ONLY canonical: true`), want); err != nil {
		t.Fatal(err)
	}
	if got := message(t, o, &Waypoint{Network: "n", Addresses: []string{"10.96.0.9", "way.shop.svc.cluster.local"}}); !proto.Equal(got, want) {
		t.Errorf("%v\nwant %v", got, want)
	}
	if got := message(t, o, &Waypoint{}); got.GetWaypoint() != nil {
		t.Errorf("a waypoint without an address: %v", got)
	}
	host := message(t, o, &Waypoint{GatewayName: model.GatewayName{Namespace: "w", Name: "g"}, Addresses: []string{"g.w.svc.cluster.local"}})
	if h := host.GetWaypoint().GetHostname(); h.GetNamespace() != "w" || h.GetHostname() != "g.w.svc.cluster.local" {
		t.Errorf("%v", host)
	}
	if got := message(t, serviceOf(func(s *corev1.Service) {
		s.Spec = corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "x.example", Ports: s.Spec.Ports}
	}), nil); got != nil {
		t.Errorf("an alias: %v", got)
	}
}

// The table of reference/ambient.md 6.
func TestLoadBalancing(t *testing.T) {
	local := corev1.ServiceInternalTrafficPolicyLocal
	field := func(v string) func(*corev1.Service) {
		return func(s *corev1.Service) { s.Spec.TrafficDistribution = &v }
	}
	const zone, node = "routing_preference: [NETWORK, REGION, ZONE] mode: FAILOVER", "routing_preference: [NETWORK, REGION, ZONE, SUBZONE, NODE] mode: FAILOVER"
	for name, c := range map[string]struct {
		edit func(*corev1.Service)
		want string // "" is none
	}{
		"nothing":        {nil, ""},
		"PreferClose":    {field("PreferClose"), zone},
		"PreferSameZone": {field("PreferSameZone"), zone},
		"PreferSameNode": {field("PreferSameNode"), node},
		"annotation": {func(s *corev1.Service) {
			s.Annotations = map[string]string{model.IstioDistributionAnnotation: "PreferClose"}
		}, zone},
		"Local":     {func(s *corev1.Service) { field("PreferClose")(s); s.Spec.InternalTrafficPolicy = &local }, "routing_preference: NODE mode: STRICT"},
		"all":       {func(s *corev1.Service) { s.Spec.PublishNotReadyAddresses = true }, "health_policy: ALLOW_ALL"},
		"all, near": {func(s *corev1.Service) { field("PreferClose")(s); s.Spec.PublishNotReadyAddresses = true }, zone + " health_policy: ALLOW_ALL"},
	} {
		got := message(t, serviceOf(c.edit), nil).GetLoadBalancing()
		want := &workloadapi.LoadBalancing{}
		if err := prototext.Unmarshal([]byte(c.want), want); err != nil {
			t.Fatal(err)
		}
		if (got == nil) != (c.want == "") || got != nil && !proto.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	o := serviceOf(field("PreferClose"))
	o.Mesh.Suspend = true
	if got := message(t, o, nil).GetLoadBalancing(); got != nil {
		t.Errorf("suspended: %v", got)
	}
	entry := ingest.Objects{Key: model.Key{Namespace: "shop", Host: "x.example"}, Declared: true, Entries: []*v1alpha1.ServiceEntry{{
		ObjectMeta: metav1.ObjectMeta{Name: "e", Namespace: "shop"},
		Spec:       v1alpha1.ServiceEntrySpec{Hosts: []string{"x.example"}, Ports: []v1alpha1.ServicePort{{Number: 443, Name: "tls"}}, Resolution: "NONE", SubjectAltNames: []string{"san"}},
	}}}
	if got := message(t, entry, nil); got.GetLoadBalancing().GetMode() != workloadapi.LoadBalancing_PASSTHROUGH || len(got.GetSubjectAltNames()) != 1 || got.GetCanonical() {
		t.Errorf("an entry without resolution: %v", got)
	}
	entry.Mesh.Config = &v1alpha1.MeshConfig{Spec: v1alpha1.MeshConfigSpec{LocalityLbSetting: &v1alpha1.LocalityLbSetting{AllowedRegions: []string{"eu"}}}}
	if got := message(t, entry, nil).GetLoadBalancing(); got != nil {
		t.Errorf("an entry without resolution behind a fence: %v, and nobody knows where it goes", got)
	}
}

// A fence for all holds here too: a forbidden workload is not behind the service.
func TestFenceForAll(t *testing.T) {
	at := func(address, region string) model.Endpoint {
		return model.Endpoint{Address: address, Port: 8080, Region: region, Workload: model.WorkloadName{Kind: model.SliceWorkload, Namespace: "shop", Name: "web-1"}}
	}
	s := &model.Service{
		Key: model.ServiceKey("shop", "web"), Ports: []model.Port{{Number: 80, Endpoints: []model.Endpoint{at("10.0.0.1", "eu"), at("10.0.0.2", "us"), at("10.0.0.3", "")}}},
		Policies: []model.Policy{{}, {Allowed: &model.Allowed{Regions: []string{"eu"}}}}, Lookup: map[model.PolicyKey]model.PolicyID{{Port: 80}: 1},
	}
	part, err := NewPart(s, ingest.Objects{}, nil)
	if err != nil || len(part.Members) != 1 {
		t.Fatalf("%v %v", part.Members, err)
	}
	s.Lookup[model.PolicyKey{Port: 80}] = 0
	if part, err = NewPart(s, ingest.Objects{}, nil); err != nil || len(part.Members) != 3 {
		t.Errorf("without: %v %v", part.Members, err)
	}
}

func TestVisibility(t *testing.T) {
	for exported, want := range map[string]workloadapi.Service_Visibility{
		"": workloadapi.Service_PUBLIC, "*": workloadapi.Service_PUBLIC, ".": workloadapi.Service_NAMESPACE,
		"shop,other": workloadapi.Service_NAMESPACE, "other,*": workloadapi.Service_PUBLIC,
	} {
		o := serviceOf(func(s *corev1.Service) {
			s.Annotations = map[string]string{"networking.coastwise.dev/export-to": exported}
		})
		if got := message(t, o, nil).GetVisibility(); got != want {
			t.Errorf("%q: %v", exported, got)
		}
	}
}

// Only the waypoint's pods get through; without pods nobody does.
func TestAuthorization(t *testing.T) {
	w := &Waypoint{GatewayName: model.GatewayName{Namespace: "shop", Name: "way"}, Enforce: true, Accounts: []string{"way"}}
	for want, w := range map[string]*Waypoint{
		`name: "only-through-way" namespace: "shop" scope: WORKLOAD_SELECTOR groups {rules {matches {service_accounts {namespace: "shop" serviceAccount: "way"}}}}`: w,
		`name: "only-through-way" namespace: "shop" scope: WORKLOAD_SELECTOR`:                                                                                       {GatewayName: w.GatewayName, Enforce: true},
	} {
		r, err := w.Authorization()
		got, wanted := &security.Authorization{}, &security.Authorization{}
		if err != nil || proto.Unmarshal(r.Body, got) != nil || prototext.Unmarshal([]byte(want), wanted) != nil || !proto.Equal(got, wanted) || r.Name != PolicyOf(w.GatewayName) {
			t.Errorf("%v %v, want %v", r, got, wanted)
		}
	}
	if r, err := (&Waypoint{}).Authorization(); r != nil || err != nil {
		t.Error("nobody asked for it")
	}
}
