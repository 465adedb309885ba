package xds

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	statusv3 "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/coastwise/coastwise/translate/envoy"
)

// wholePeer is one client's stream of the state of the world.
type wholePeer struct {
	discoveryv3.AggregatedDiscoveryService_StreamAggregatedResourcesClient
	t      *testing.T
	cancel context.CancelFunc
}

func (r *rig) openWhole() *wholePeer {
	ctx, cancel := context.WithCancel(context.Background())
	r.t.Cleanup(cancel)
	s, err := discoveryv3.NewAggregatedDiscoveryServiceClient(r.dial()).StreamAggregatedResources(ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	return &wholePeer{s, r.t, cancel}
}

func (p *wholePeer) say(r *discoveryv3.DiscoveryRequest) *wholePeer {
	p.t.Helper()
	if err := p.Send(r); err != nil && !errors.Is(err, io.EOF) {
		p.t.Fatal(err)
	}
	return p
}

// hear is the next response, and its bodies in one line.
func (p *wholePeer) hear() (*discoveryv3.DiscoveryResponse, string) {
	p.t.Helper()
	r, err := p.Recv()
	if err != nil {
		p.t.Fatal(err)
	}
	var out []string
	for _, res := range r.Resources {
		if res.TypeUrl != r.TypeUrl || len(res.Value) == 0 {
			p.t.Errorf("an empty Any: %v", res)
		}
		out = append(out, strings.TrimSpace(string(res.Value)))
	}
	if r.VersionInfo == "" || r.Nonce == "" {
		p.t.Errorf("no version or nonce: %v", r)
	}
	return r, strings.Join(out, " ")
}

func (p *wholePeer) expect(want string) *discoveryv3.DiscoveryResponse {
	p.t.Helper()
	r, got := p.hear()
	if got != want {
		p.t.Fatalf("%s came, not %s", got, want)
	}
	return r
}

func (p *wholePeer) ends(code codes.Code, message string) {
	p.t.Helper()
	for {
		if _, err := p.Recv(); err == nil {
			continue
		} else if status.Code(err) != code || !strings.Contains(err.Error(), message) {
			p.t.Errorf("ended with %v, want %s %q", err, code, message)
		}
		return
	}
}

// list is a request for names, in answer to r unless nil.
func list(id, url string, r *discoveryv3.DiscoveryResponse, names ...string) *discoveryv3.DiscoveryRequest {
	out := &discoveryv3.DiscoveryRequest{TypeUrl: url, ResourceNames: names, ResponseNonce: r.GetNonce(), VersionInfo: r.GetVersionInfo()}
	if id != "" {
		out.Node = node(id)
	}
	return out
}

func TestWholeUpdateAndRefusal(t *testing.T) {
	r := newRig(t, nil)
	p := r.openWhole().say(list("default/x", envoy.ClusterType, nil))
	first := p.expect("a=1 b=1")
	p.say(list("", envoy.ClusterType, first)).say(list("", envoy.EndpointType, nil, "a"))
	endpoints := p.expect("a=1")
	if endpoints.VersionInfo != "1" {
		t.Errorf("the version of one endpoint assignment is %q", endpoints.VersionInfo)
	}
	p.say(list("", envoy.EndpointType, endpoints, "a"))
	r.hub.publish(func(w *world) { w.set(envoy.ClusterType, "b", "2") })
	second := p.expect("a=1 b=2")
	nack := list("", envoy.ClusterType, second)
	nack.VersionInfo = first.VersionInfo
	nack.ErrorDetail = &statusv3.Status{Code: int32(codes.InvalidArgument), Message: "cluster b is bad"}
	p.say(nack)
	want := Refusal{ProxyID: "default/x", TypeURL: envoy.ClusterType, Name: "b", Version: "2", Message: "cluster b is bad"}
	if got := <-r.refused; got != want {
		t.Errorf("%+v", got)
	}
	r.hub.publish(func(w *world) { delete(w.resources[envoy.ClusterType], "a") })
	third := p.expect("b=1")
	p.say(list("", envoy.ClusterType, third))
	r.eventually("the refusal shows", func() bool {
		info := r.Proxies()[0].Types[0]
		return info.Acked == 1 && info.Refused == 1 && !info.Synced
	})
	p.say(list("", "type.googleapis.com/none.Such", nil, "a")) // silence
	r.hub.publish(func(w *world) { w.set(envoy.ClusterType, "b", "3") })
	p.say(list("", envoy.ClusterType, p.expect("b=3")))
	r.eventually("all is answered", func() bool { return r.Proxies()[0].Types[0].Synced })
	r.eventually("every push is counted", func() bool { return r.figure("coastwise_pushes_total", "Cluster") == 4 })
}

// TestWholeVersions: equal sets have equal versions on all streams, others not.
func TestWholeVersions(t *testing.T) {
	r := newRig(t, nil)
	p := r.openWhole().say(list("default/x", envoy.ClusterType, nil))
	q := r.openWhole().say(list("default/y", envoy.ClusterType, nil, "*"))
	first, same := p.expect("a=1 b=1"), q.expect("a=1 b=1")
	if first.VersionInfo != same.VersionInfo || first.Nonce == same.Nonce {
		t.Errorf("%s %s, %s %s", first.VersionInfo, first.Nonce, same.VersionInfo, same.Nonce)
	}
	// On a new stream the old version and nonce are worth nothing.
	p.cancel()
	again := list("default/x", envoy.ClusterType, first)
	p = r.openWhole().say(again)
	if got := p.expect("a=1 b=1"); got.VersionInfo != first.VersionInfo {
		t.Errorf("the version was %s, is %s", first.VersionInfo, got.VersionInfo)
	}
	q.say(list("", envoy.ClusterType, same, "*"))
	r.hub.publish(func(w *world) { w.set(envoy.ClusterType, "b", "2") })
	if got := q.expect("a=1 b=2"); got.VersionInfo == first.VersionInfo {
		t.Error("another set has the same version")
	}
}

func TestWholeFirstRequest(t *testing.T) {
	r := newRig(t, nil)
	r.openWhole().say(list("", envoy.ClusterType, nil)).ends(codes.InvalidArgument, "must carry a node")
	r.openWhole().say(list("default/nowhere", envoy.ClusterType, nil)).ends(codes.InvalidArgument, "no place for it")
	p := r.openWhole().say(list("default/x", envoy.ClusterType, nil))
	p.say(list("", envoy.ClusterType, p.expect("a=1 b=1")))
	p.say(list("default/x", envoy.EndpointType, nil, "b")).expect("b=1")
	p.say(list("default/y", envoy.EndpointType, nil, "b")).ends(codes.InvalidArgument, "belongs to one node")
	r.openWhole().say(list("default/x", envoy.ClusterType, nil, strings.Repeat("x", 2000))).ends(codes.InvalidArgument, "longer than")
	r.ready.Store(false)
	r.openWhole().say(list("default/x", envoy.ClusterType, nil)).ends(codes.Unavailable, "not ready")
}

// TestWholeLocators: a locator is a name, whatever its parameters.
func TestWholeLocators(t *testing.T) {
	r := newRig(t, nil)
	request := list("default/x", envoy.ClusterType, nil)
	request.ResourceLocators = []*discoveryv3.ResourceLocator{{Name: "b", DynamicParameters: map[string]string{"k": "v"}}}
	r.openWhole().say(request).expect("b=1")
}

// TestWholeTooManyMissing: names that do not exist are bounded here too.
func TestWholeTooManyMissing(t *testing.T) {
	r := newRig(t, func(l *ServerLimits) { l.Stream.Missing = 1 })
	r.openWhole().say(list("default/x", envoy.EndpointType, nil, "n1", "n2")).ends(codes.ResourceExhausted, "do not exist")
}
