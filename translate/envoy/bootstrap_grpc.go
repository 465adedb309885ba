package envoy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/coastwise/coastwise/translate/model"
)

// The JSON of a gRPC client's bootstrap (gRFC A27, A30), in this order.
type (
	grpcBootstrap struct {
		XDSServers []grpcServer    `json:"xds_servers"`
		Node       json.RawMessage `json:"node"`
	}
	grpcServer struct {
		ServerURI      string             `json:"server_uri"`
		ChannelCreds   []grpcChannelCreds `json:"channel_creds"`
		ServerFeatures []string           `json:"server_features"`
	}
	grpcChannelCreds struct {
		Type string `json:"type"`
	}
)

// uri is HOST:PORT, or [HOST]:PORT.
func uri(host string, port uint32) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return fmt.Sprintf("%s:%d", host, port)
}

// GRPCBootstrap is what a proxyless gRPC client starts with: the content of the
// file that GRPC_XDS_BOOTSTRAP names, or of GRPC_XDS_BOOTSTRAP_CONFIG. Its node
// carries the same claims as an Envoy's. xds is our xDS port as the client reaches
// it, HOST:PORT. Equal input gives equal bytes.
//
// The error names every flag that is wrong, and what is allowed.
func GRPCBootstrap(p model.Proxy, xds string) ([]byte, error) {
	c := checks{name: flagName}
	if canonical, err := model.ParseScope(p.Scope); err == nil {
		p.Scope = canonical
	}
	c.proxy(p)
	if p.Kind != model.GRPC {
		c.addf(claimKind, "%s starts with an Envoy's bootstrap", p.Kind)
	}
	host, port, ok := splitHostPort(xds)
	if !ok {
		c.addf("xds", "%q is not HOST:PORT", xds)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	node, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(encodeNode(p))
	if err != nil {
		return nil, fmt.Errorf("bootstrap: %w", err)
	}
	text, err := json.Marshal(grpcBootstrap{
		XDSServers: []grpcServer{{
			ServerURI:      uri(host, port),
			ChannelCreds:   []grpcChannelCreds{{Type: "insecure"}},
			ServerFeatures: []string{"xds_v3"},
		}},
		Node: node,
	})
	if err != nil {
		return nil, fmt.Errorf("bootstrap: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "  "); err != nil {
		return nil, fmt.Errorf("bootstrap: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}
