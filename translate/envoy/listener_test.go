package envoy

import (
	"strings"
	"testing"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	streamv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/stream/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

func TestListener(t *testing.T) {
	r := must[Resource](t)(Listener(Listen{Bind: "127.0.0.2", Port: 15080}))
	if err := Validate(r); err != nil {
		t.Fatal(err)
	}
	l := decoded(t, r, new(listenerv3.Listener))
	at := l.GetAddress().GetSocketAddress()
	if r.Name != RouteName || l.Name != RouteName || at.GetAddress() != "127.0.0.2" || at.GetPortValue() != 15080 {
		t.Errorf("%q at %v", l.Name, at)
	}
	hcm := new(hcmv3.HttpConnectionManager)
	unpack(t, l.FilterChains[0].Filters[0].GetTypedConfig(), hcm)
	if rds := hcm.GetRds(); rds.GetRouteConfigName() != RouteName || rds.GetConfigSource().GetAds() == nil {
		t.Errorf("routes: %v", rds)
	}
	if len(hcm.UpgradeConfigs) != 1 || hcm.UpgradeConfigs[0].UpgradeType != "websocket" {
		t.Errorf("upgrades: %v", hcm.UpgradeConfigs)
	}
	if hcm.StreamIdleTimeout == nil || hcm.StreamIdleTimeout.AsDuration() != 0 {
		t.Errorf("stream_idle_timeout %v: idle streams would be cut", hcm.StreamIdleTimeout)
	}
	log := new(streamv3.StdoutAccessLog)
	unpack(t, hcm.AccessLog[0].GetTypedConfig(), log)
	fields := log.GetLogFormat().GetJsonFormat().GetFields()
	for key, want := range map[string]string{
		"cluster": "%UPSTREAM_CLUSTER_RAW%",
		"zone":    "%CEL(xds.upstream_host_locality_metadata.filter_metadata['coastwise']['zone'])%",
	} {
		if got := fields[key].GetStringValue(); got != want {
			t.Errorf("access log: %s is %q, want %q", key, got, want)
		}
	}
	if got := log.GetLogFormat().GetFormatters()[0].GetName(); got != "envoy.formatter.cel" {
		t.Errorf("formatter %q", got)
	}
}

func unpack(t *testing.T, a *anypb.Any, m proto.Message) {
	t.Helper()
	if err := a.UnmarshalTo(m); err != nil {
		t.Fatal(err)
	}
}

func TestListenerRefuses(t *testing.T) {
	for _, tt := range []struct {
		listen Listen
		want   string
	}{
		{Listen{Bind: "127.0.0.1"}, "0 is not in 1..65535"},
		{Listen{Bind: "127.0.0.1", Port: 65536}, "65536 is not in"},
		{Listen{Port: 80}, `"" is not an IP`},
		{Listen{Bind: "localhost", Port: 80}, `"localhost" is not an IP`},
	} {
		if _, err := Listener(tt.listen); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %q", tt.listen, err, tt.want)
		}
	}
	for _, bind := range []string{"0.0.0.0", "::1"} {
		if r, err := Listener(Listen{Bind: bind, Port: 80}); err != nil || Validate(r) != nil {
			t.Errorf("%s: %v, %v", bind, err, Validate(r))
		}
	}
}
