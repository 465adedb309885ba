package worldtest

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/translate/model"
)

// listen declares listeners of some Services: on so few ports that they clash with
// each other, by age, and with the HTTP proxy port of clients. Some ports carry TCP.
func listen(t *rapid.T, s *corev1.Service) {
	if rapid.IntRange(0, 2).Draw(t, "listens") > 0 {
		return
	}
	s.Annotations[model.ListenAnnotation] = rapid.SampledFrom([]string{
		"http=18080", "http=18081", "80=18080", "http=15080", "http=18080,80=18081", "grpc=18080,http=18081",
	}).Draw(t, "listen")
	s.CreationTimestamp = metav1.Unix(int64(rapid.IntRange(1, 2).Draw(t, "age")), 0)
	if rapid.Bool().Draw(t, "carries TCP") {
		s.Spec.Ports[0].AppProtocol = ptr(rapid.SampledFrom([]string{"tcp", "grpc"}).Draw(t, "protocol"))
	}
}
