package controlplane

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	statusv3 "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/controlplane/snapshot"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/controlplane/xds"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

const reviews = "outbound|80||reviews.default.svc.cluster.local"

var reviewsRule = model.ObjectRef{Kind: "DestinationRule", Namespace: "default", Name: "reviews"}

// served is a hub and the streams' server over it, on a listener in memory.
type served struct {
	t        *testing.T
	store    *store.Store
	hub      *snapshot.Hub
	listener *bufconn.Listener
}

func serve(t *testing.T) *served {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	s := &served{t: t, store: store.New(), listener: bufconn.Listen(1 << 20)}
	s.hub = snapshot.New(s.store, 0, quiet())
	service := &corev1.Service{}
	service.Namespace, service.Name = "default", "reviews"
	service.Spec.Ports = []corev1.ServicePort{{Name: "http", Port: 80}}
	s.apply(store.Change{Ref: model.ObjectRef{Kind: "Service", Namespace: "default", Name: "reviews"}, Object: service})
	server := xds.New(xds.Config{
		Hub: hub{s.hub}, Ready: s.hub.Synced, Log: quiet(), Metrics: xds.NewMetrics(prometheus.NewRegistry()), Limits: xds.DefaultServerLimits(),
	})
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(s.listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *served) apply(cs ...store.Change) {
	s.store.Apply(cs)
	s.hub.Publish(time.Now())
}

// retries is the rule with another limit, which is in the cluster.
func retries(n int64) store.Change {
	r := &v1alpha1.DestinationRule{}
	r.Namespace, r.Name, r.Spec.Host = "default", "reviews", "reviews"
	limit := int32(n)
	r.Spec.TrafficPolicy = &v1alpha1.TrafficPolicy{ConnectionPool: &v1alpha1.ConnectionPool{HTTP: &v1alpha1.HTTPSettings{MaxRetries: &limit}}}
	return store.Change{Ref: reviewsRule, Object: r}
}

// proxyStream is one delta stream; it answers as it is told.
type proxyStream struct {
	discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResourcesClient
	end func()
}

func (s *served) open(id string, types ...string) (*proxyStream, error) {
	conn, err := grpc.NewClient("passthrough:///x",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return s.listener.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).DeltaAggregatedResources(ctx)
	p := &proxyStream{stream, func() { cancel(); conn.Close() }}
	for _, typeURL := range types {
		name := "*"
		if typeURL == envoy.EndpointType {
			name = reviews
		}
		if err == nil {
			err = stream.Send(&discoveryv3.DeltaDiscoveryRequest{Node: &corev3.Node{Id: id}, TypeUrl: typeURL, ResourceNamesSubscribe: []string{name}})
		}
	}
	if err != nil {
		p.end()
	}
	return p, err
}

// answer answers the next response, with a refusal where there is a message.
func (p *proxyStream) answer(message string) error {
	r, err := p.Recv()
	if err != nil {
		return err
	}
	say := &discoveryv3.DeltaDiscoveryRequest{TypeUrl: r.TypeUrl, ResponseNonce: r.Nonce}
	if message != "" {
		say.ErrorDetail = &statusv3.Status{Code: int32(codes.InvalidArgument), Message: message}
	}
	return p.Send(say)
}

// becomes waits until the rule's Rollout is this.
func (s *served) becomes(what string, want model.Rollout) {
	s.t.Helper()
	var got model.Rollout
	for range 4000 {
		all, complete := s.hub.Rollouts()
		if got = all[reviewsRule]; complete && got == want {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.t.Fatalf("%s: %+v, want %+v", what, got, want)
}

// TestRolloutThroughRealStreams: a rule is programmed where its cluster was
// accepted; a refusal names proxy, resource and the proxy's own words until another
// version is accepted.
func TestRolloutThroughRealStreams(t *testing.T) {
	s := serve(t)
	s.apply(retries(1))
	s.becomes("nobody is there", model.Rollout{})
	var streams []*proxyStream
	for _, id := range []string{"default/a", "default/b"} {
		p, err := s.open(id, envoy.ClusterType)
		if err != nil {
			t.Fatal(err)
		}
		defer p.end()
		streams = append(streams, p)
	}
	s.becomes("nothing is answered", model.Rollout{Proxies: 2})
	all := func(messages ...string) {
		for i, p := range streams {
			if err := p.answer(messages[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
	all("", "")
	s.becomes("accepted", model.Rollout{Proxies: 2, Programmed: 2})
	s.apply(retries(2))
	s.becomes("sent anew", model.Rollout{Proxies: 2})
	all("", "no such retries")
	s.becomes("refused", model.Rollout{
		Proxies: 2, Programmed: 1, Refused: 1, Proxy: "default/b", Resource: reviews, Message: "no such retries",
	})
	s.apply(retries(3))
	all("", "")
	s.becomes("mended", model.Rollout{Proxies: 2, Programmed: 2})
	streams[1].end()
	s.becomes("one left", model.Rollout{Proxies: 1, Programmed: 1})
}

// TestNothingIsProgrammedBeforeItIsAccepted asks while a stream takes what was
// published: at no moment is it between the Hub and the stream, and told by neither.
func TestNothingIsProgrammedBeforeItIsAccepted(t *testing.T) {
	s := serve(t)
	s.apply(retries(1))
	p, err := s.open("default/a", envoy.ClusterType)
	if err != nil {
		t.Fatal(err)
	}
	defer p.end()
	for n := range int64(200) {
		if err := p.answer(""); err != nil {
			t.Fatal(err)
		}
		s.becomes("accepted", model.Rollout{Proxies: 1, Programmed: 1})
		s.apply(retries(n + 2))
		for range 50 {
			if all, _ := s.hub.Rollouts(); all[reviewsRule].Programmed > 0 {
				t.Fatalf("version %d is programmed, and nobody accepted it", n+2)
			}
		}
	}
}

// TestRolloutsWhileStreamsComeAndGo is for the race detector: what is said of
// programmed proxies is never more than there are.
func TestRolloutsWhileStreamsComeAndGo(t *testing.T) {
	s := serve(t)
	s.apply(retries(1))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	began := time.Now()
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				p, err := s.open(fmt.Sprint("default/", i), envoy.ClusterType, envoy.EndpointType)
				if err != nil {
					t.Error(err)
					return
				}
				stop := context.AfterFunc(ctx, p.end) // nothing is sent any more
				for range n % 7 {
					if err == nil {
						err = p.answer([]string{"", "no"}[(n+i)%2])
					}
				}
				if err != nil && ctx.Err() == nil {
					t.Error(err)
				}
				if stop() {
					p.end()
				}
			}
		})
	}
	wg.Go(func() {
		for n := int64(2); ctx.Err() == nil; n++ {
			s.apply(retries(n))
			time.Sleep(time.Millisecond)
		}
	})
	seen := model.Rollout{}
	for ctx.Err() == nil {
		all, _ := s.hub.Rollouts()
		r := all[reviewsRule]
		if r.Proxies > 4 || r.Pending() < 0 || r.Programmed < 0 || (r.Refused > 0) != (r.Message == "no") {
			t.Errorf("%+v", r)
		}
		// A second, and until both were seen, which nothing makes sure of.
		if took := time.Since(began); took > time.Second && seen.Programmed > 0 && seen.Refused > 0 || took > 30*time.Second {
			cancel()
		}
		seen = model.Rollout{Proxies: max(seen.Proxies, r.Proxies), Programmed: max(seen.Programmed, r.Programmed), Refused: max(seen.Refused, r.Refused)}
	}
	wg.Wait()
	if seen.Programmed == 0 || seen.Refused == 0 {
		t.Errorf("never programmed, or never refused: %+v", seen)
	}
	s.becomes("all left", model.Rollout{})
}
