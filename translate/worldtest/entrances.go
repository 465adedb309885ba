package worldtest

import (
	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// entrances draws what a client claims of the ways by which connections come to it.
func entrances(t *rapid.T, p *model.Proxy) {
	p.Internal = rapid.IntRange(0, 2).Draw(t, "internal listeners") > 0
	switch p.Kind {
	case model.Sidecar:
		p.Capture = rapid.Bool().Draw(t, "captured")
		if p.Capture && rapid.IntRange(0, 2).Draw(t, "no proxy port") == 0 {
			p.HTTPProxyPort = 0
		}
	case model.Gateway:
		p.Gateway = rapid.SampledFrom([]string{"", EdgeName, EdgeName, WaypointName}).Draw(t, "gateway")
	case model.Waypoint:
		p.Gateway, p.HTTPProxyPort = WaypointName, 0
		if rapid.IntRange(0, 3).Draw(t, "certificate") > 0 {
			p.Certificate = model.Certificate{CA: "/tls/ca.pem", Cert: "/tls/" + p.Namespace + ".pem", Key: "/tls/key.pem"}
		}
	}
}

// AsGRPC makes claims those of a gRPC client.
func AsGRPC(p model.Proxy) model.Proxy {
	p.Kind, p.Bind, p.HTTPProxyPort, p.Gateway = model.GRPC, "", 0, ""
	p.Capture, p.Internal, p.Certificate = false, false, model.Certificate{}
	return p
}

// tunnelled promises a ztunnel in front of a workload, most of the time.
func tunnelled(t *rapid.T, labels map[string]string) map[string]string {
	if rapid.IntRange(0, 3).Draw(t, "ztunnel") == 0 {
		return labels
	}
	if labels == nil {
		labels = map[string]string{}
	}
	labels["networking.coastwise.dev/tunnel"] = "hbone"
	return labels
}

// outbound is what the mesh does with unknown destinations.
func outbound(t *rapid.T) *v1alpha1.OutboundTrafficPolicy {
	if rapid.Bool().Draw(t, "outbound default") {
		return nil
	}
	return &v1alpha1.OutboundTrafficPolicy{Mode: rapid.SampledFrom([]string{"", "ALLOW_ANY", "REGISTRY_ONLY", "REGISTRY_ONLY"}).Draw(t, "mode")}
}
