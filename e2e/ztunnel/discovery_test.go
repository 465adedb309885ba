package ztunnel

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"sigs.k8s.io/yaml"

	// The messages that are packed in those of testdata.
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/internal_upstream/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/raw_buffer/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
)

// discovery is a delta ADS server that is not ours, with what it was asked.
type discovery struct {
	t      *testing.T
	caches map[string]*cache.LinearCache

	mu sync.Mutex
	// asked are subscriptions, as TYPE NAME, in order; refusals the messages of NACKs.
	asked, refusals []string
}

// newDiscovery serves nothing yet, at port 15010 of bind.
func newDiscovery(t *testing.T, bind string) *discovery {
	t.Helper()
	d := &discovery{t: t, caches: map[string]*cache.LinearCache{}}
	mux := &cache.MuxCache{
		Classify:      func(r *cache.Request) string { return r.GetTypeUrl() },
		ClassifyDelta: func(r *cache.DeltaRequest) string { return r.GetTypeUrl() },
		Caches:        map[string]cache.Cache{},
	}
	for _, url := range []string{resource.ClusterType, resource.EndpointType, resource.ListenerType, resource.RouteType, resource.SecretType} {
		d.caches[url] = cache.NewLinearCache(url)
		mux.Caches[url] = d.caches[url]
	}
	g := grpc.NewServer()
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(g, server.NewServer(context.Background(), mux, server.CallbackFuncs{StreamDeltaRequestFunc: d.hear}))
	l, err := net.Listen("tcp", bind+":15010")
	if err != nil {
		t.Fatal(err)
	}
	go g.Serve(l)
	t.Cleanup(g.Stop)
	return d
}

func (d *discovery) hear(_ int64, r *discoveryv3.DeltaDiscoveryRequest) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	short := r.TypeUrl[strings.LastIndex(r.TypeUrl, ".")+1:]
	for _, name := range slices.Sorted(slices.Values(r.ResourceNamesSubscribe)) {
		d.asked = append(d.asked, short+" "+name)
	}
	if r.ErrorDetail != nil {
		d.refusals = append(d.refusals, short+": "+r.ErrorDetail.Message)
	}
	return nil
}

// said is what was asked so far, and every refusal.
func (d *discovery) said() (asked, refusals []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.asked), slices.Clone(d.refusals)
}

// kinds are the keys of a file of testdata.
var kinds = map[string]struct {
	typeURL string
	empty   func() proto.Message
}{
	"secrets":   {resource.SecretType, func() proto.Message { return new(tlsv3.Secret) }},
	"clusters":  {resource.ClusterType, func() proto.Message { return new(clusterv3.Cluster) }},
	"listeners": {resource.ListenerType, func() proto.Message { return new(listenerv3.Listener) }},
}

// serve publishes what stands under some keys of a file.
func (d *discovery) serve(text []byte, keys ...string) {
	d.t.Helper()
	var file map[string][]json.RawMessage
	if err := yaml.Unmarshal(text, &file); err != nil {
		d.t.Fatal(err)
	}
	for _, key := range keys {
		all := map[string]types.Resource{}
		for _, raw := range file[key] {
			m := kinds[key].empty()
			if err := protojson.Unmarshal(raw, m); err != nil {
				d.t.Fatal(fmt.Errorf("%s: %w", key, err))
			}
			all[cache.GetResourceName(m)] = m
		}
		if err := d.caches[kinds[key].typeURL].UpdateResources(all, nil); err != nil {
			d.t.Fatal(err)
		}
	}
}
