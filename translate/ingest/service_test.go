package ingest_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// Which Services are served at all.
func TestServed(t *testing.T) {
	claimed := func(v string) func(*corev1.Service) {
		return func(s *corev1.Service) { s.Labels = map[string]string{"service.kubernetes.io/service-proxy-name": v} }
	}
	for _, c := range []struct {
		name string
		edit func(*corev1.Service)
		want bool
	}{
		{"ClusterIP", func(*corev1.Service) {}, true},
		{"5.5 headless", func(s *corev1.Service) { s.Spec.ClusterIP = corev1.ClusterIPNone }, true},
		{"ExternalName", func(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeExternalName }, true},
		{"another proxy's", claimed("other"), false},
		{"ours by name", claimed("coastwise"), true},
	} {
		o := world(slice("a", ep("10.0.0.1", onNode("n1"))))
		o.Service = reviews(c.edit)
		o.Rules = []*v1alpha1.DestinationRule{rule("default/r", on())}
		s, ps := ingest.Service(o)
		if (s != nil) != c.want || len(ps) != 0 {
			t.Errorf("%s: served %v, want %v; problems %v", c.name, s != nil, c.want, ps)
		}
	}
}

// Semantics 10, TargetNotFound: rules whose host nothing declares.
func TestTargetNotFound(t *testing.T) {
	o := ingest.Objects{
		Key: model.ServiceKey("default", "reviews"),
		Rules: []*v1alpha1.DestinationRule{
			rule("other/b", nil), rule("default/a", allow("eu")), hosted(rule("default/w", on()), "*.default.svc.cluster.local"),
		},
		Fences: []model.Fence{fence("f", "default", host, "eu")},
	}
	s, ps := ingest.Service(o)
	if s != nil {
		t.Errorf("%v", s)
	}
	equal(t, lines(ps), []string{
		"DestinationRule default/a spec.host warning TargetNotFound",
		"DestinationRule other/b spec.host warning TargetNotFound",
	})
	o.Key = model.Key{Host: "www.example.com"}
	o.Rules = []*v1alpha1.DestinationRule{hosted(rule("default/x", nil), "WWW.example.com")}
	_, ps = ingest.Service(o)
	equal(t, lines(ps), []string{"DestinationRule default/x spec.host warning TargetNotFound"})
}

// Semantics 6.6: a failover region without endpoints.
func TestSettingProblems(t *testing.T) {
	const field = "spec.trafficPolicy.loadBalancer.localityLbSetting."
	list := []v1alpha1.Failover{{From: "eu", To: "us"}, {From: "us", To: "ap"}}
	for _, c := range []struct {
		name string
		l    *locality
		want []string
	}{
		{"a region without endpoints", &locality{Failover: list}, []string{"DestinationRule default/r " + field + "failover[1].to info TargetNotFound"}},
		{"switched off", &locality{Enabled: ptr(false), Failover: list}, nil},
		{"beside tiers", &locality{FailoverPriority: []string{"x"}, Failover: list}, []string{"DestinationRule default/r " + field + "failover[1].to info TargetNotFound"}},
	} {
		o := world(slice("a", ep("10.0.0.1", onNode("n3"))))
		o.Rules = []*v1alpha1.DestinationRule{rule("default/r", c.l)}
		_, ps := ingest.Service(o)
		t.Run(c.name, func(t *testing.T) { equal(t, lines(ps), c.want) })
	}
}

// Semantics 1.3.
func TestExportTo(t *testing.T) {
	const ours, theirs = "networking.coastwise.dev/export-to", "networking.istio.io/exportTo"
	for _, c := range []struct {
		notes map[string]string
		want  []string
	}{
		{nil, []string{"*"}},
		{map[string]string{ours: "b, a,,b"}, []string{"a", "b"}},
		{map[string]string{theirs: "."}, []string{"."}},
		{map[string]string{ours: "a", theirs: "."}, []string{"a"}},
		{map[string]string{ours: " "}, []string{"*"}},
	} {
		o := world()
		o.Service.Annotations = c.notes
		equal(t, served(t, o).ExportTo, c.want)
	}
}

func TestIdentity(t *testing.T) {
	o := world()
	s := served(t, o)
	equal(t, []any{s.Key, s.Name, s.Object.String(), s.Created}, []any{model.Key{Namespace: "default", Host: host}, "reviews", "Service default/reviews", int64(0)})
	o.Service.CreationTimestamp = metav1.NewTime(time.Unix(42, 0))
	equal(t, served(t, o).Created, int64(42))
}

// A service without ports, slices, Nodes, Pods or Namespace is still a service.
func TestBareObjects(t *testing.T) {
	svc := reviews(func(s *corev1.Service) { s.Spec.Ports = nil })
	s, ps := ingest.Service(ingest.Objects{Key: model.ServiceKey("default", "reviews"), Service: svc})
	if s == nil || len(s.Ports) != 0 || len(ps) != 0 {
		t.Errorf("%+v %v", s, ps)
	}
	s, ps = ingest.Service(ingest.Objects{Service: reviews(), Slices: world(slice("a", ep("10.0.0.1", ofPod("p"), onNode("n")))).Slices})
	if len(s.Ports[0].Endpoints) != 1 || len(ps) != 1 {
		t.Errorf("%+v %v", s, ps)
	}
}
