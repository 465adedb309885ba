package ingest

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// Tunnelled says whether a workload with these labels and annotations is reached by HBONE.
func Tunnelled(labels, annotations map[string]string) bool {
	return annotations[AnnotationRedirection] == redirected || behindZtunnel(labels)
}

// WorkloadPlace is a WorkloadEntry by itself, as an endpoint without a port.
func WorkloadPlace(e *v1alpha1.WorkloadEntry, namespace *corev1.Namespace) model.Endpoint {
	b := entryReader{Objects: Objects{Namespace: namespace, Nodes: &Nodes{}}}
	return b.ofSpec(&e.Spec, WorkloadLabels(e)).Endpoint
}
