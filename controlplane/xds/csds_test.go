package xds

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	statusv3 "github.com/envoyproxy/go-control-plane/envoy/service/status/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	rpcv3 "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/coastwise/coastwise/translate/envoy"
)

func (r *rig) csds() statusv3.ClientStatusDiscoveryServiceClient {
	return statusv3.NewClientStatusDiscoveryServiceClient(r.dial())
}

func (r *rig) fetch(q *statusv3.ClientStatusRequest) *statusv3.ClientStatusResponse {
	r.t.Helper()
	out, err := r.csds().FetchClientStatus(context.Background(), q)
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

// line is one resource in short.
func line(c *statusv3.ClientConfig_GenericXdsConfig) string {
	words := []string{
		ShortType(c.TypeUrl), c.Name, c.VersionInfo, c.ConfigStatus.String(), c.ClientStatus.String(),
		string(c.GetXdsConfig().GetValue()), c.GetErrorState().GetVersionInfo(), c.GetErrorState().GetDetails(),
		string(c.GetErrorState().GetFailedConfiguration().GetValue()),
	}
	return strings.TrimRight(strings.Join(words, "|"), "|")
}

// TestClientStatus: every state that a resource can be in, as CSDS names it, and no
// other versions than /debug/proxies has.
func TestClientStatus(t *testing.T) {
	r := newRig(t, nil)
	r.hub.publish(func(w *world) { w.set(envoy.ClusterType, "c", "1"); w.set(envoy.EndpointType, "c", "1") })
	p := r.open().say(&discoveryv3.DeltaDiscoveryRequest{
		Node:    &corev3.Node{Id: "default/x", Locality: &corev3.Locality{Region: "eu", Zone: "eu-1"}},
		TypeUrl: envoy.ClusterType, ResourceNamesSubscribe: []string{"a", "b", "c", "none"},
	})
	p.say(ack(p.hear()))
	r.hub.publish(func(w *world) { w.set(envoy.ClusterType, "b", "2") })
	nack := ack(p.hear())
	nack.ErrorDetail = &rpcv3.Status{Message: "b is bad"}
	p.say(nack)
	<-r.refused
	r.hub.publish(func(w *world) { w.set(envoy.ClusterType, "c", "2") })
	p.hear() // and is not answered
	r.hub.publish(func(w *world) { w.set(envoy.ClusterType, "d", "1"); w.set(envoy.ClusterType, "a", "2") })
	p.say(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: envoy.ClusterType, ResourceNamesSubscribe: []string{"d"}})
	want := []string{
		"Cluster|a|1|NOT_SENT|ACKED|a=1 ",
		"Cluster|b|1|ERROR|NACKED|b=1 |2|b is bad|b=2 ",
		"Cluster|c|1|STALE|ACKED|c=1 ",
		"Cluster|d||NOT_SENT|REQUESTED",
		"Cluster|none||UNKNOWN|DOES_NOT_EXIST",
	}
	var got []string
	r.eventually("all states are there", func() bool {
		all := r.fetch(&statusv3.ClientStatusRequest{}).Config
		if len(all) != 1 || all[0].Node.GetId() != "default/x" || all[0].Node.GetLocality().GetZone() != "eu-1" {
			t.Fatalf("%v", all)
		}
		got = nil
		for _, c := range all[0].GenericXdsConfigs {
			got = append(got, line(c))
		}
		return strings.Join(got, "\n") == strings.Join(want, "\n")
	})
	if t.Failed() {
		t.Errorf("got:\n%s", strings.Join(got, "\n"))
	}
	sameAsDump(r, "default/x")
	for _, c := range r.fetch(&statusv3.ClientStatusRequest{ExcludeResourceContents: true}).Config[0].GenericXdsConfigs {
		if c.XdsConfig != nil || c.GetErrorState().GetFailedConfiguration() != nil || c.Name == "b" && c.ErrorState == nil {
			t.Errorf("%v", c)
		}
	}
}

// sameAsDump compares versions and words with what the debug port has.
func sameAsDump(r *rig, id string) {
	r.t.Helper()
	any, ok := r.Dump(id)
	if !ok {
		r.t.Fatal("no dump")
	}
	var dumped, told []string
	for _, kind := range any.(*ProxyDump).Dump {
		for _, d := range kind.Resources {
			dumped = append(dumped, kind.Type+" "+d.Name+" "+d.Acked+" "+d.Refused+" "+d.Message)
		}
	}
	for _, c := range r.fetch(&statusv3.ClientStatusRequest{NodeMatchers: byID(exact(id))}).Config[0].GenericXdsConfigs {
		told = append(told, ShortType(c.TypeUrl)+" "+c.Name+" "+c.VersionInfo+" "+c.GetErrorState().GetVersionInfo()+" "+c.GetErrorState().GetDetails())
	}
	a, _ := json.Marshal(dumped)
	b, _ := json.Marshal(told)
	if string(a) != string(b) || len(told) == 0 {
		r.t.Errorf("dump %s\nCSDS %s", a, b)
	}
}

func byID(m *matcherv3.StringMatcher) []*matcherv3.NodeMatcher {
	return []*matcherv3.NodeMatcher{{NodeId: m}}
}

func exact(text string) *matcherv3.StringMatcher {
	return &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Exact{Exact: text}}
}

func TestClientStatusMatchers(t *testing.T) {
	r := newRig(t, nil)
	for _, id := range []string{"default/x", "shop/cart-1"} {
		r.open().say(ask(node(id), envoy.ClusterType, "*")).hear()
	}
	prefix := &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Prefix{Prefix: "SHOP/"}, IgnoreCase: true}
	suffix := &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Suffix{Suffix: "-1"}}
	within := &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Contains{Contains: "/"}}
	regex := &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_SafeRegex{SafeRegex: &matcherv3.RegexMatcher{Regex: ".*"}}}
	for name, c := range map[string]struct {
		of    []*matcherv3.NodeMatcher
		want  string
		wrong string
	}{
		"none":     {nil, "default/x shop/cart-1", ""},
		"empty":    {[]*matcherv3.NodeMatcher{{}}, "default/x shop/cart-1", ""},
		"exact":    {byID(exact("default/x")), "default/x", ""},
		"other":    {byID(exact("Default/x")), "", ""},
		"prefix":   {byID(prefix), "shop/cart-1", ""},
		"suffix":   {byID(suffix), "shop/cart-1", ""},
		"contains": {byID(within), "default/x shop/cart-1", ""},
		"either":   {append(byID(exact("no")), byID(suffix)...), "shop/cart-1", ""},
		"regex":    {byID(regex), "", "node_id.safe_regex"},
		"nothing":  {byID(&matcherv3.StringMatcher{}), "", "no pattern"},
		"metadata": {[]*matcherv3.NodeMatcher{{NodeMetadatas: []*matcherv3.StructMatcher{{}}}}, "", "node_metadatas"},
	} {
		out, err := r.csds().FetchClientStatus(context.Background(), &statusv3.ClientStatusRequest{NodeMatchers: c.of})
		var got []string
		for _, config := range out.GetConfig() {
			got = append(got, config.Node.Id)
		}
		if strings.Join(got, " ") != c.want || (err != nil) != (c.wrong != "") {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if c.wrong != "" && (status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), c.wrong)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestClientStatusStream: an answer to each request, and an end with the server.
func TestClientStatusStream(t *testing.T) {
	r := newRig(t, nil)
	s, err := r.csds().StreamClientStatus(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		if err := s.Send(&statusv3.ClientStatusRequest{}); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Recv(); err != nil || len(got.Config) != n {
			t.Fatalf("%v, %v", got, err)
		}
		r.open().say(ask(node("default/x"), envoy.ClusterType, "*")).hear()
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); r.Drain(ctx, 0) }()
	if _, err := s.Recv(); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "stopping") {
		t.Error(err)
	}
	cancel()
	<-done
}

// TestClientStatusRefused: who may not ask is told nothing, and what is too large is
// refused with what to do.
func TestClientStatusRefused(t *testing.T) {
	r := newRig(t, func(l *ServerLimits) { l.DebugBytes = 200 })
	r.open().say(ask(node("default/x"), envoy.ClusterType, "*")).hear()
	if _, err := r.csds().FetchClientStatus(context.Background(), &statusv3.ClientStatusRequest{}); status.Code(err) != codes.ResourceExhausted ||
		!strings.Contains(err.Error(), "exclude_resource_contents") {
		t.Error(err)
	}
	if got := r.fetch(&statusv3.ClientStatusRequest{NodeMatchers: byID(exact("no"))}); len(got.Config) != 0 {
		t.Error(got)
	}
	who, wrong := Verified{Namespace: "shop", ServiceAccount: "cart"}, error(nil)
	r.config.Verify = func(context.Context) (Verified, error) { return who, wrong }
	r.config.Inspect = func(v Verified) bool { return v.ServiceAccount == "admin" }
	calls := map[string]func() error{
		"fetch": func() error {
			_, err := r.csds().FetchClientStatus(context.Background(), &statusv3.ClientStatusRequest{NodeMatchers: byID(exact("no"))})
			return err
		},
		"stream": func() error {
			s, err := r.csds().StreamClientStatus(context.Background())
			if err != nil {
				return err
			}
			return errors.Join(s.Send(&statusv3.ClientStatusRequest{NodeMatchers: byID(exact("no"))}), s.CloseSend(), second(s.Recv()))
		},
	}
	for name, call := range calls {
		who.ServiceAccount, wrong = "cart", nil
		if err := call(); status.Code(err) != codes.PermissionDenied {
			t.Errorf("%s by a stranger: %v", name, err)
		}
		wrong = status.Error(codes.Unauthenticated, "no token")
		if err := call(); status.Code(err) != codes.Unauthenticated {
			t.Errorf("%s by nobody: %v", name, err)
		}
		who.ServiceAccount, wrong = "admin", nil
		if err := call(); err != nil {
			t.Errorf("%s by an admin: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestUnsureStatus: what may be in force in several versions is not given one.
func TestUnsureStatus(t *testing.T) {
	sl := &slot{name: "a", held: unsure, exists: true, sent: &envoy.Resource{Version: "2", Body: []byte("2")}}
	s := NewStream("", newWorld(), DefaultLimits())
	if got := line(sl.config(envoy.ClusterType, true)); got != "Cluster|a||UNKNOWN|UNKNOWN|2" || s.configStatus(s.clusters, sl) != statusv3.ConfigStatus_UNKNOWN {
		t.Error(got)
	}
}
