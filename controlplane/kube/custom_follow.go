package kube

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/admit"
)

// customTimes are how long things may take.
type customTimes struct {
	// poll is how often discovery is asked.
	poll time.Duration
	// denied is how long after Forbidden Istio's kinds are asked for again.
	denied time.Duration
}

func defaultCustomTimes() customTimes {
	return customTimes{poll: 5 * time.Second, denied: 30 * time.Second}
}

// newCustom connects to nothing yet; the error is that of a config that cannot be used.
func newCustom(config *rest.Config, st *store.Store, rep *reports, log *slog.Logger, options admit.Options, times customTimes) (*custom, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("API server: %w", err)
	}
	raw := dynamic.ConfigFor(config)
	raw.GroupVersion, raw.APIPath = nil, "/apis"
	asking, err := rest.UnversionedRESTClientFor(raw)
	if err != nil {
		return nil, fmt.Errorf("API server: %w", err)
	}
	c := &custom{
		store: st, reports: rep, log: log, discovery: discovery{asking}, poll: times.poll,
		options: options, credentials: newCredentials(options.Credential),
		memory: newAdmissions(), kinds: map[crd]*kindState{}, done: make(chan struct{}), changed: make(chan struct{}, 1),
	}
	if c.credentials != nil {
		c.options.Credential = c.credentials.credential
	}
	c.follow = func(ctx context.Context, k crd, version string, to *customSink) {
		c.reflect(ctx, client, k, version, to, times.denied)
	}
	return c, nil
}

// reflect runs a reflector until ctx ends.
func (c *custom) reflect(ctx context.Context, client dynamic.Interface, k crd, version string, to *customSink, pause time.Duration) {
	asked := client.Resource(k.at(version))
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			list, err := asked.List(ctx, o)
			return list, c.answered(ctx, k, err, pause)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			w, err := asked.Watch(ctx, o)
			return w, c.answered(ctx, k, err, pause)
		},
	}
	backoff := &wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Steps: 4, Cap: 2 * time.Second, Jitter: 1}
	cache.NewReflectorWithOptions(lw, &unstructured.Unstructured{}, to, cache.ReflectorOptions{Name: k.String(), Backoff: backoff}).RunWithContext(ctx)
}

// answered notes that a kind may not be read; Istio's is not asked for again soon.
func (c *custom) answered(ctx context.Context, k crd, err error, pause time.Duration) error {
	if !apierrors.IsForbidden(err) {
		return err
	}
	c.denied(k, err)
	if k.ours() {
		return err
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return err
}
