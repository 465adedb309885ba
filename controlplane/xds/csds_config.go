package xds

import (
	adminv3 "github.com/envoyproxy/go-control-plane/envoy/admin/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	statusv3 "github.com/envoyproxy/go-control-plane/envoy/service/status/v3"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/coastwise/coastwise/translate/envoy"
)

// clientConfig is one stream as CSDS tells it. The node is its id, and its locality
// as the server decided.
func (p *proxy) clientConfig(contents bool) *statusv3.ClientConfig {
	known := p.member.Proxy().Locality
	out := &statusv3.ClientConfig{Node: &corev3.Node{
		Id:       p.nodeID,
		Locality: &corev3.Locality{Region: known.Region, Zone: known.Zone, SubZone: known.SubZone},
	}}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.machine != nil {
		out.GenericXdsConfigs = p.machine.configs(contents)
	}
	return out
}

// configs is every resource that the client asked for, in the order of sending.
func (s *Stream) configs(contents bool) []*statusv3.ClientConfig_GenericXdsConfig {
	var out []*statusv3.ClientConfig_GenericXdsConfig
	for _, t := range s.types {
		if !t.asked {
			continue
		}
		for _, sl := range t.sorted() {
			c := sl.config(t.url, contents)
			c.ConfigStatus = s.configStatus(t, sl)
			out = append(out, c)
		}
	}
	return out
}

// config is one resource, but for config_status. version_info and xds_config are what the client has in
// force, and if it has nothing, what is on its way; what it refused is in error_state
// alone.
func (sl *slot) config(url string, contents bool) *statusv3.ClientConfig_GenericXdsConfig {
	out := &statusv3.ClientConfig_GenericXdsConfig{
		TypeUrl: url, Name: sl.name, ClientStatus: sl.clientStatus(),
	}
	if sl.held != unsure {
		out.VersionInfo = sl.held
	}
	shown, failed := sl.acked, (*envoy.Resource)(nil)
	if sl.refused != nil {
		out.ErrorState = &adminv3.UpdateFailureState{Details: sl.refused.message, VersionInfo: sl.refused.version}
		if sl.sent != nil && sl.sent.Version == sl.refused.version {
			failed = sl.sent
		}
	}
	if shown == nil && sl.sent != nil && failed == nil {
		shown = sl.sent
	}
	if contents && shown != nil {
		out.XdsConfig = &anypb.Any{TypeUrl: shown.TypeURL, Value: shown.Body}
	}
	if contents && failed != nil {
		out.ErrorState.FailedConfiguration = &anypb.Any{TypeUrl: failed.TypeURL, Value: failed.Body}
	}
	return out
}

// configStatus is how far the server is: NOT_SENT where the newest state is still to
// be sent, a removal too; STALE where it was sent and not answered; ERROR where it was
// refused. UNKNOWN is left for what does not exist and for what may be in force in
// several versions. It changes nothing, so that what may differ is looked up.
func (s *Stream) configStatus(t *typeState, sl *slot) statusv3.ConfigStatus {
	switch {
	case sl.flying:
		return statusv3.ConfigStatus_STALE
	case sl.dirty || sl.queue != nowhere:
		r := s.source.Get(t.url, sl.name)
		switch {
		case r == nil && sl.held == "":
			return statusv3.ConfigStatus_UNKNOWN
		case r == nil || r.Version != sl.held && (sl.refused == nil || r.Version != sl.refused.version):
			return statusv3.ConfigStatus_NOT_SENT
		case r.Version != sl.held:
			return statusv3.ConfigStatus_ERROR
		}
		return statusv3.ConfigStatus_SYNCED
	case sl.stuck:
		return statusv3.ConfigStatus_ERROR
	case sl.held == "" || sl.held == unsure:
		return statusv3.ConfigStatus_UNKNOWN
	}
	return statusv3.ConfigStatus_SYNCED
}

// clientStatus is what the client last said of the resource: NACKED until it accepts
// a version after the one that it refused, REQUESTED until it has said anything.
func (sl *slot) clientStatus() adminv3.ClientResourceStatus {
	switch {
	case sl.refused != nil:
		return adminv3.ClientResourceStatus_NACKED
	case sl.held == unsure:
		return adminv3.ClientResourceStatus_UNKNOWN
	case sl.held != "":
		return adminv3.ClientResourceStatus_ACKED
	case !sl.exists && !sl.flying && sl.queue == nowhere || sl.told:
		return adminv3.ClientResourceStatus_DOES_NOT_EXIST
	}
	return adminv3.ClientResourceStatus_REQUESTED
}
