package envoy

import (
	"cmp"
	"fmt"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"

	"github.com/coastwise/coastwise/translate/model"
)

// ztunnelPrefix begins the node.id of every ztunnel: ztunnel~IP~POD.NAMESPACE~DOMAIN.
const ztunnelPrefix = "ztunnel~"

// ztunnelFromNode reads what a ztunnel says of itself. It knows nothing of our metadata;
// its Node's name is metadata.NODE_NAME. One that runs in no pod says neither pod nor
// namespace: it is named by its address.
func ztunnelFromNode(node *corev3.Node) (model.Proxy, error) {
	parts := strings.Split(node.GetId(), "~")
	if len(parts) != 4 {
		return model.Proxy{}, fmt.Errorf("node.id: %q is not ztunnel~IP~POD.NAMESPACE~DOMAIN", node.GetId())
	}
	dot := strings.LastIndexByte(parts[2], '.')
	if dot < 0 {
		return model.Proxy{}, fmt.Errorf("node.id: %q is not POD.NAMESPACE", parts[2])
	}
	name := cmp.Or(parts[2][:dot], "ztunnel-"+strings.ReplaceAll(parts[1], ":", "-"))
	p := model.Proxy{Kind: model.Ztunnel, Namespace: cmp.Or(parts[2][dot+1:], DefaultNamespace)}
	p.ID = p.Namespace + "/" + name
	if _, _, err := ParseID(p.ID); err != nil {
		return model.Proxy{}, fmt.Errorf("node.id: %w", err)
	}
	p.Node = node.GetMetadata().GetFields()["NODE_NAME"].GetStringValue()
	if p.Node != "" && !isWord(p.Node, 253) {
		return model.Proxy{}, fmt.Errorf("node.metadata.NODE_NAME: %q is not the name of a Node", p.Node)
	}
	return p, nil
}
