package envoy

import (
	"testing"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"

	"github.com/coastwise/coastwise/translate/model"
)

// TestHTTP10 is served at every entrance, or clients of it would get 426 (nginx speaks it
// to what it proxies to). A request that names no host is for the service whose entrance it is.
func TestHTTP10(t *testing.T) {
	web := chained("web", []string{"10.96.0.1"}, model.Port{Number: 80, Protocol: model.ProtocolHTTP})
	web[0].Service.Host = "web.default.svc.cluster.local"
	wild := chained("wild", []string{"10.96.0.2"}, model.Port{Number: 80, Protocol: model.ProtocolHTTP})
	wild[0].Service.Host = "*.example.com"
	edge := GatewayPort{Port: 80, Listeners: []model.GatewayListener{{Name: "web", Port: 80}}}
	explicit := Explicit{Listen: model.Listen{At: 19000, Port: 9000}, Service: reviews(plain())}
	for _, tt := range []struct {
		name, host string
		listener   Resource
	}{
		{"HTTP proxy port", "", must[Resource](t)(Listener(Listen{Bind: "127.0.0.1", Port: 80}))},
		{"edge", "", must[Resource](t)(edge.Listener("127.0.0.1"))},
		{"explicit listener", "reviews.default.svc.cluster.local", must[Resource](t)(explicit.Listener("127.0.0.1", 0))},
		{"chain", "web.default.svc.cluster.local", must[Resource](t)(Entrance{Name: "waypoint", Bind: "127.0.0.1", Port: 15088}.Listener(web))},
		{"chain of a wildcard", "", must[Resource](t)(Entrance{Name: "waypoint", Bind: "127.0.0.1", Port: 15088}.Listener(wild))},
	} {
		hcm := new(hcmv3.HttpConnectionManager)
		unpack(t, decoded(t, tt.listener, new(listenerv3.Listener)).FilterChains[0].Filters[0].GetTypedConfig(), hcm)
		if o := hcm.GetHttpProtocolOptions(); !o.GetAcceptHttp_10() || o.GetDefaultHostForHttp_10() != tt.host {
			t.Errorf("%s: %v, wanted HTTP/1.0 with the host %q", tt.name, o, tt.host)
		}
	}
}
