// Package kubebin pins the real Kubernetes parts that the end-to-end tests run.
package kubebin
