package envoy

import (
	"bytes"
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/coastwise/coastwise/translate/model"
)

// The JSON of a gRPC client's bootstrap (gRFC A27, A30, A65, A97), in this order.
type (
	grpcBootstrap struct {
		XDSServers []grpcServer    `json:"xds_servers"`
		Node       json.RawMessage `json:"node"`
	}
	grpcServer struct {
		ServerURI      string             `json:"server_uri"`
		ChannelCreds   []grpcChannelCreds `json:"channel_creds"`
		CallCreds      []grpcCallCreds    `json:"call_creds,omitempty"`
		ServerFeatures []string           `json:"server_features"`
	}
	grpcChannelCreds struct {
		Type   string        `json:"type"`
		Config *grpcTLSFiles `json:"config,omitempty"`
	}
	grpcTLSFiles struct {
		CA   string `json:"ca_certificate_file"`
		Cert string `json:"certificate_file,omitempty"`
		Key  string `json:"private_key_file,omitempty"`
	}
	grpcCallCreds struct {
		Type   string        `json:"type"`
		Config grpcTokenFile `json:"config"`
	}
	grpcTokenFile struct {
		Path string `json:"jwt_token_file"`
	}
)

// GRPCBootstrap is what a proxyless gRPC client starts with: the content of the
// file that GRPC_XDS_BOOTSTRAP names, or of GRPC_XDS_BOOTSTRAP_CONFIG. Its node
// carries the same claims as an Envoy's. xds is our xDS port as the client reaches
// it, HOST:PORT; t is how both prove who they are. Equal input gives equal bytes.
//
// The error names every flag that is wrong, and what is allowed.
func GRPCBootstrap(p model.Proxy, xds string, t ServerTLS) ([]byte, error) {
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
	c.serverTLS(t, model.GRPC)
	if err := c.err(); err != nil {
		return nil, err
	}
	node, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(encodeNode(p))
	if err != nil {
		return nil, fmt.Errorf("bootstrap: %w", err)
	}
	text, err := json.Marshal(grpcBootstrap{XDSServers: []grpcServer{t.grpcServer(hostPort(host, port))}, Node: node})
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

func (t ServerTLS) grpcServer(uri string) grpcServer {
	s := grpcServer{ServerURI: uri, ChannelCreds: []grpcChannelCreds{{Type: "insecure"}}, ServerFeatures: []string{"xds_v3"}}
	if t.on() {
		s.ChannelCreds = []grpcChannelCreds{{Type: "tls", Config: &grpcTLSFiles{CA: t.CA, Cert: t.Cert, Key: t.Key}}}
	}
	if t.Token != "" {
		s.CallCreds = []grpcCallCreds{{Type: "jwt_token_file", Config: grpcTokenFile{Path: t.Token}}}
	}
	return s
}
