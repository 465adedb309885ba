package controlplane

import (
	"context"
	"errors"

	"k8s.io/klog/v2"

	"github.com/coastwise/coastwise/controlplane/admin"
	"github.com/coastwise/coastwise/controlplane/files"
	"github.com/coastwise/coastwise/controlplane/kube"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/model"
)

// KubeConfig names the API server to watch; the zero value is none.
type KubeConfig struct {
	// Kubeconfig is a file that describes it, Context one of its contexts; "" is
	// the current one. Context alone is one of $KUBECONFIG or ~/.kube/config.
	Kubeconfig, Context string
	// InCluster is that of the Pod that this process runs in.
	InCluster bool

	options []kube.Option // of tests
}

// given says whether an API server is to be watched.
func (c KubeConfig) given() bool { return c.Kubeconfig != "" || c.Context != "" || c.InCluster }

// mistakes are what is wrong with the flags.
func (c KubeConfig) mistakes() []error {
	if c.InCluster && (c.Kubeconfig != "" || c.Context != "") {
		return []error{errors.New("--kubeconfig, --context: the API server of this Pod's own cluster was asked for as well")}
	}
	if c.given() && !c.InCluster {
		if _, err := kube.Connect(c.Kubeconfig, c.Context); err != nil {
			return []error{err}
		}
	}
	return nil
}

// connect makes the source that follows the API server, if there is to be one.
func (s *server) connect(st *store.Store) error {
	if !s.config.Kube.given() {
		return nil
	}
	klog.SetSlogLogger(s.config.Log)
	config, err := kube.Connect(s.config.Kube.Kubeconfig, s.config.Kube.Context)
	if err != nil {
		return err
	}
	options := append([]kube.Option{kube.WithAdmission(files.Admission(s.config.TLSDirs))}, s.config.Kube.options...)
	if s.kube, err = kube.New(config, st, s.config.Log, options...); err != nil {
		return err
	}
	s.rest, s.replicas.generations = config, s.kube.Generations
	s.registry.MustRegister(s.kube.Collector())
	return nil
}

// kubeParts follow the API server.
func (s *server) kubeParts(ctx context.Context) []part {
	if s.kube == nil {
		return nil
	}
	return []part{{"kubernetes", func() error { return s.kube.Run(ctx) }}}
}

// awaitKube waits until the API server's objects have been read; false if ctx ended before.
func (s *server) awaitKube(ctx context.Context) bool {
	if s.kube == nil {
		return true
	}
	select {
	case <-s.kube.Done():
		return true
	case <-ctx.Done():
		return false
	}
}

// kubeChecks are what readiness consists of beside the files.
func (s *server) kubeChecks() []admin.Check {
	if s.kube == nil {
		return nil
	}
	return []admin.Check{{Name: "kubernetes", OK: s.kube.Synced, Why: s.kube.Unread}}
}

// kubeAlive says that the source moves.
func (s *server) kubeAlive() bool { return s.kube == nil || s.kube.Alive() }

// kubeRefused are the refused objects of the API server.
func (s *server) kubeRefused() (held, absent []model.ObjectRef) {
	if s.kube == nil {
		return nil, nil
	}
	stats := s.kube.Stats()
	return stats.Held, stats.Unadmitted
}
