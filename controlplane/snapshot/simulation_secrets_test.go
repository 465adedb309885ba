package snapshot

import (
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/proto"

	"github.com/coastwise/coastwise/controlplane/xds"
	"github.com/coastwise/coastwise/translate/envoy"
)

// tunnelSecrets are the two that come by the stream, always both.
var tunnelSecrets = []string{"coastwise-ca", "coastwise-certificate"}

// wantsSecrets says that a cluster or listener waits for them.
func wantsSecrets(r *envoy.Resource) bool {
	var sockets []*corev3.TransportSocket
	switch r.TypeURL {
	case envoy.ClusterType:
		c := new(clusterv3.Cluster)
		if err := proto.Unmarshal(r.Body, c); err != nil {
			panic(err)
		}
		sockets = append(sockets, c.GetTransportSocket())
		for _, m := range c.GetTransportSocketMatches() {
			sockets = append(sockets, m.GetTransportSocket())
		}
	case envoy.ListenerType:
		l := new(listenerv3.Listener)
		if err := proto.Unmarshal(r.Body, l); err != nil {
			panic(err)
		}
		for _, chain := range l.GetFilterChains() {
			sockets = append(sockets, chain.GetTransportSocket())
		}
	}
	for _, s := range sockets {
		up, down := new(tlsv3.UpstreamTlsContext), new(tlsv3.DownstreamTlsContext)
		common := up.GetCommonTlsContext()
		switch {
		case s.GetTypedConfig().UnmarshalTo(up) == nil:
			common = up.GetCommonTlsContext()
		case s.GetTypedConfig().UnmarshalTo(down) == nil:
			common = down.GetCommonTlsContext()
		}
		for _, c := range common.GetTlsCertificateSdsSecretConfigs() {
			if c.GetSdsConfig().GetAds() != nil {
				return true
			}
		}
	}
	return false
}

// followSecrets subscribes to the secrets once something wants them, and drops them with
// the last that does.
func (c *client) followSecrets(r xds.Response) xds.Request {
	before := len(c.secrets) > 0
	for _, x := range r.Resources {
		if id := (resourceID{r.TypeURL, x.Name}); c.held[id] == x.Version && wantsSecrets(x) {
			c.secrets[id] = true
		} else if c.held[id] == x.Version {
			delete(c.secrets, id)
		}
	}
	for _, name := range r.Removed {
		delete(c.secrets, resourceID{r.TypeURL, name})
	}
	out := xds.Request{TypeURL: envoy.SecretType}
	for _, name := range tunnelSecrets {
		id := resourceID{envoy.SecretType, name}
		switch after := len(c.secrets) > 0; {
		case after && !before:
			c.names[id] = true
			out.Subscribe = append(out.Subscribe, name)
		case before && !after:
			delete(c.names, id)
			delete(c.held, id)
			out.Unsubscribe = append(out.Unsubscribe, name)
		}
	}
	return out
}

// wantSecrets notes the secrets of a view, if something there waits for them.
func wantSecrets(want map[string]string, view *View) {
	for _, typeURL := range []string{envoy.ClusterType, envoy.ListenerType} {
		for _, name := range view.Names(typeURL) {
			if !wantsSecrets(view.Get(typeURL, name)) {
				continue
			}
			for _, secret := range tunnelSecrets {
				want[envoy.SecretType+" "+secret] = view.Get(envoy.SecretType, secret).Version
			}
		}
	}
}
