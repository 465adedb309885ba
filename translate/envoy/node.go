package envoy

import (
	"errors"
	"maps"
	"slices"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/coastwise/coastwise/translate/model"
)

// DefaultBind is where a client listens that claims an HTTP proxy port and no
// bind address.
const DefaultBind = "127.0.0.1"

// ProxyFromNode reads what a client claims about itself from the node of its
// first request: the inverse of what Bootstrap writes. The schema stands in
// docs/node-metadata.md. Without metadata it is a sidecar without listeners;
// metadata of others, outside the key coastwise, is not looked at.
//
// The error names every claim that is wrong, and what is allowed; unknown keys
// are wrong, and so are kinds that are not served yet.
func ProxyFromNode(node *corev3.Node) (model.Proxy, error) {
	if node == nil {
		return model.Proxy{}, errors.New("node: missing: the first request of a stream must carry it")
	}
	if strings.HasPrefix(node.GetId(), ztunnelPrefix) {
		return ztunnelFromNode(node)
	}
	r := reader{checks: checks{name: nodeField}}
	p := model.Proxy{
		ID:   node.GetId(),
		Kind: model.Sidecar,
		Locality: model.Locality{
			Region:  node.GetLocality().GetRegion(),
			Zone:    node.GetLocality().GetZone(),
			SubZone: node.GetLocality().GetSubZone(),
		},
	}
	if namespace, id, err := ParseID(node.GetId()); err == nil {
		p.Namespace, p.ID = namespace, namespace+"/"+id
	}
	if claims, ok := node.GetMetadata().GetFields()[MetadataKey]; ok {
		r.claims(claims, &p)
	}
	if (p.HTTPProxyPort > 0 || p.Capture || p.Gateway != "") && p.Bind == "" && p.Kind != model.GRPC {
		p.Bind = DefaultBind
	}
	r.proxy(p)
	if err := r.err(); err != nil {
		return model.Proxy{}, err
	}
	return p, nil
}

// nodeField is what a claim is called in a node.
func nodeField(claim string) string {
	switch claim {
	case claimID, claimNamespace:
		return "node.id"
	case claimLocality:
		return "node.locality"
	case "":
		return "node.metadata." + MetadataKey
	}
	return "node.metadata." + MetadataKey + "." + claim
}

// reader reads claims of the right type and collects the others.
type reader struct{ checks }

func (r *reader) claims(v *structpb.Value, p *model.Proxy) {
	if _, ok := v.GetKind().(*structpb.Value_StructValue); !ok {
		r.addf("", "must be an object")
		return
	}
	fields := v.GetStructValue().GetFields()
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		v := fields[key]
		switch key {
		case claimKind:
			p.Kind = model.Kind(r.text(key, v))
		case claimNode:
			p.Node = r.text(key, v)
		case claimNetwork:
			p.Network = r.text(key, v)
		case claimScope:
			p.Scope = r.scope(v)
		case claimBind:
			p.Bind = r.text(key, v)
		case claimGateway:
			p.Gateway = r.text(key, v)
		case claimCapture:
			p.Capture = r.flag(key, v)
		case claimConnect:
			p.Connect = r.flag(key, v)
		case claimInternal:
			p.Internal = r.flag(key, v)
		case claimPort:
			p.HTTPProxyPort = r.port(v)
		case claimLabels:
			p.Labels = r.labels(v)
		case claimCertificate:
			p.Certificate = r.files(v)
		default:
			r.addf(key, "unknown: allowed are kind, node, network, labels, scope, bind, httpProxyPort, gateway, capture, connect, internalListeners, certificate")
		}
	}
}

func (r *reader) text(claim string, v *structpb.Value) string {
	if _, ok := v.GetKind().(*structpb.Value_StringValue); !ok {
		r.addf(claim, "must be a string")
	}
	return v.GetStringValue()
}

func (r *reader) flag(claim string, v *structpb.Value) bool {
	if _, ok := v.GetKind().(*structpb.Value_BoolValue); !ok {
		r.addf(claim, "must be true or false")
	}
	return v.GetBoolValue()
}

// scope leaves what is not one to the check of the whole.
func (r *reader) scope(v *structpb.Value) string {
	written := r.text(claimScope, v)
	if canonical, err := model.ParseScope(written); err == nil {
		return canonical
	}
	return written
}

func (r *reader) port(v *structpb.Value) uint32 {
	n := v.GetNumberValue()
	port := uint32(max(0, min(n, maxPort)))
	if _, ok := v.GetKind().(*structpb.Value_NumberValue); !ok || float64(port) != n {
		r.addf(claimPort, "must be a whole number, 0..65535 (0: no HTTP proxy port)")
		return 0
	}
	return port
}

func (r *reader) files(v *structpb.Value) model.Certificate {
	var out model.Certificate
	if _, ok := v.GetKind().(*structpb.Value_StructValue); !ok {
		r.addf(claimCertificate, "must be an object of ca, cert and key")
		return out
	}
	fields := v.GetStructValue().GetFields()
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		text := r.text(claimCertificate+"."+key, fields[key])
		switch key {
		case "ca":
			out.CA = text
		case "cert":
			out.Cert = text
		case "key":
			out.Key = text
		default:
			r.addf(claimCertificate+"."+key, "unknown: allowed are ca, cert and key")
		}
	}
	return out
}

func (r *reader) labels(v *structpb.Value) map[string]string {
	if _, ok := v.GetKind().(*structpb.Value_StructValue); !ok {
		r.addf(claimLabels, "must be an object of strings")
		return nil
	}
	fields := v.GetStructValue().GetFields()
	labels := make(map[string]string, len(fields))
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		labels[key] = r.text(claimLabels+"."+key, fields[key])
	}
	return labels
}

// encodeNode writes the claims of a checked proxy; what is unset is not written.
func encodeNode(p model.Proxy) *corev3.Node {
	fields := map[string]*structpb.Value{claimKind: structpb.NewStringValue(string(p.Kind))}
	for _, text := range []struct{ claim, value string }{
		{claimNode, p.Node}, {claimNetwork, p.Network}, {claimScope, p.Scope}, {claimBind, p.Bind}, {claimGateway, p.Gateway},
	} {
		if text.value != "" {
			fields[text.claim] = structpb.NewStringValue(text.value)
		}
	}
	for _, flag := range []struct {
		claim string
		set   bool
	}{{claimCapture, p.Capture}, {claimConnect, p.Connect}, {claimInternal, p.Internal}} {
		if flag.set {
			fields[flag.claim] = structpb.NewBoolValue(true)
		}
	}
	if p.HTTPProxyPort > 0 {
		fields[claimPort] = structpb.NewNumberValue(float64(p.HTTPProxyPort))
	}
	if len(p.Labels) > 0 {
		labels := make(map[string]*structpb.Value, len(p.Labels))
		for key, value := range p.Labels {
			labels[key] = structpb.NewStringValue(value)
		}
		fields[claimLabels] = structpb.NewStructValue(&structpb.Struct{Fields: labels})
	}
	if c := p.Certificate; c != (model.Certificate{}) {
		fields[claimCertificate] = structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{
			"ca": structpb.NewStringValue(c.CA), "cert": structpb.NewStringValue(c.Cert), "key": structpb.NewStringValue(c.Key),
		}})
	}
	claims := structpb.NewStructValue(&structpb.Struct{Fields: fields})
	node := &corev3.Node{
		Id:       p.ID,
		Cluster:  string(p.Kind) + "." + p.Namespace,
		Metadata: &structpb.Struct{Fields: map[string]*structpb.Value{MetadataKey: claims}},
	}
	if !p.Locality.Empty() {
		node.Locality = &corev3.Locality{Region: p.Locality.Region, Zone: p.Locality.Zone, SubZone: p.Locality.SubZone}
	}
	return node
}
