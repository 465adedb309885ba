package ingest

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// A Pod behind a ztunnel says so by annotation or label; its identity is that of its
// service account.
func TestPodTunnel(t *testing.T) {
	pod := func(annotations, labels map[string]string, account string) *corev1.Pod {
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "p", Annotations: annotations, Labels: labels},
			Spec:       corev1.PodSpec{ServiceAccountName: account},
		}
	}
	for name, c := range map[string]struct {
		pod    *corev1.Pod
		domain string
		want   string
	}{
		"annotation":      {pod(map[string]string{AnnotationRedirection: "enabled"}, nil, "web"), "", "spiffe://cluster.local/ns/shop/sa/web"},
		"Istio's label":   {pod(nil, map[string]string{labelTunnelIstio: "http"}, "web"), "", "spiffe://cluster.local/ns/shop/sa/web"},
		"our label":       {pod(nil, map[string]string{labelTunnel: "hbone"}, ""), "example.org", "spiffe://example.org/ns/shop/sa/default"},
		"another value":   {pod(map[string]string{AnnotationRedirection: "disabled"}, map[string]string{labelTunnel: "http"}, "web"), "", ""},
		"nothing":         {pod(nil, nil, "web"), "", ""},
		"no Pod is known": {nil, "", ""},
	} {
		var e model.Endpoint
		Mesh{TrustDomain: c.domain}.podTunnel(&e, c.pod)
		if e.Identity != c.want || e.HBONE != (c.want != "") {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// An entry's own endpoint has the entry's namespace and its service account, if it has
// an address.
func TestEntryTunnel(t *testing.T) {
	labels := map[string]string{labelTunnel: "hbone"}
	for address, want := range map[string]string{"10.0.0.1": "spiffe://cluster.local/ns/shop/sa/vm", "vm.example": ""} {
		e := model.Endpoint{Address: address}
		Mesh{}.entryTunnel(&e, labels, "shop", "vm")
		if e.Identity != want {
			t.Errorf("%s: %+v", address, e)
		}
	}
}
