package kube

import (
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/admit"
)

// discoverySubject is what troubles with discovery are noted under.
const discoverySubject = "discovery"

// newCustom connects to nothing yet; the error is that of a config that cannot be used.
func newCustom(l *link, st *store.Store, rep *reports, log *slog.Logger, options admit.Options, times Times) (*custom, error) {
	asking, err := rest.UnversionedRESTClientForConfigAndClient(dynamic.ConfigFor(l.config), l.http)
	if err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	c := &custom{
		store: st, reports: rep, log: log, link: l, discovery: discovery{asking}, times: times,
		clients: map[schema.GroupVersion]*rest.RESTClient{}, options: options, credentials: newCredentials(options.Credential),
		memory: newAdmissions(), kinds: map[crd]*kindState{}, done: make(chan struct{}), changed: make(chan struct{}, 1),
	}
	if c.credentials != nil {
		c.options.Credential = c.credentials.credential
	}
	for _, k := range crds() {
		for _, version := range k.versions() {
			gv := schema.GroupVersion{Group: k.group, Version: version}
			if c.clients[gv], err = l.custom(gv); err != nil {
				return nil, fmt.Errorf("%s: %w", gv, err)
			}
		}
	}
	return c, nil
}

// custom is the client for a group of CRDs, which come as JSON without a schema.
func (l *link) custom(gv schema.GroupVersion) (*rest.RESTClient, error) {
	config := dynamic.ConfigFor(l.config)
	config.GroupVersion, config.APIPath = &gv, "/apis"
	return rest.RESTClientForConfigAndClient(config, l.http)
}

// resource is a kind under one version, to be read into a sink.
func (c *custom) resource(k crd, version string, to *customSink) *resource {
	r := &resource{
		name: k.plural, subject: k.String(), expected: &unstructured.Unstructured{},
		list:   func() runtime.Object { return &unstructured.UnstructuredList{} },
		client: c.clients[schema.GroupVersion{Group: k.group, Version: version}],
		link:   c.link, troubles: c.link.troubles, log: c.log, times: c.times,
		pace: rate.NewLimiter(rate.Every(c.times.Pace), burst), synced: make(chan struct{}), good: time.Now(),
		sink: to, denied: func(err error) (time.Duration, bool) { return c.denied(to, err) },
	}
	to.done = r.replaced
	return r
}

// resources are the kinds that are read now.
func (c *custom) resources() []*resource {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []*resource
	for _, k := range crds() {
		if st := c.kinds[k]; st != nil && st.version != "" && (st.synced || !st.denied) {
			all = append(all, st.resource)
		}
	}
	return all
}
