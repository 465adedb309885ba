package controlplane

import "context"

// KubeConfig names the API server to watch; the zero value is none.
type KubeConfig struct {
	// Kubeconfig is a file that describes it, Context one of its contexts; "" is
	// the current one. Context alone is one of $KUBECONFIG or ~/.kube/config.
	Kubeconfig, Context string
	// InCluster is that of the Pod that this process runs in.
	InCluster bool
}

// given says whether an API server is to be watched.
func (c KubeConfig) given() bool { return c.Kubeconfig != "" || c.Context != "" || c.InCluster }

// mistakes are what is wrong with the flags.
func (c KubeConfig) mistakes() []error { return nil }

// kubeParts follow the API server.
func (s *server) kubeParts(context.Context) []part { return nil }
