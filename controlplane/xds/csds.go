package xds

import (
	"context"
	"errors"
	"io"
	"strings"

	statusv3 "github.com/envoyproxy/go-control-plane/envoy/service/status/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// clientStatus is the client status discovery service (CSDS): what every stream was
// sent and what its client made of it, in Envoy's own words.
type clientStatus struct {
	statusv3.UnimplementedClientStatusDiscoveryServiceServer
	server *Server
}

// FetchClientStatus answers once.
func (c clientStatus) FetchClientStatus(ctx context.Context, r *statusv3.ClientStatusRequest) (out *statusv3.ClientStatusResponse, err error) {
	err = c.server.contain("the client status service", func() error {
		out, err = c.answer(ctx, r)
		return err
	})
	return out, err
}

// StreamClientStatus answers every request of a stream, until the server stops.
func (c clientStatus) StreamClientStatus(stream statusv3.ClientStatusDiscoveryService_StreamClientStatusServer) error {
	ended := make(chan error, 1)
	go func() {
		ended <- c.server.contain("the client status service", func() error { return c.converse(stream) })
	}()
	select {
	case err := <-ended:
		return err
	case <-shardOf(stream.Context()).going(): // the stream's context ends with this return, and converse with it
		return status.Error(codes.Unavailable, "the server is stopping")
	}
}

func (c clientStatus) converse(stream statusv3.ClientStatusDiscoveryService_StreamClientStatusServer) error {
	for {
		r, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err // a status of gRPC's own
		}
		out, err := c.answer(stream.Context(), r)
		if err != nil {
			return err
		}
		if err := stream.Send(out); err != nil {
			return err // a status of gRPC's own
		}
	}
}

// answer makes one answer at a time, which costs as much as all that it holds: the
// bodies are shared with the streams, and more than DebugBytes are refused.
func (c clientStatus) answer(ctx context.Context, r *statusv3.ClientStatusRequest) (*statusv3.ClientStatusResponse, error) {
	if err := checkMatchers(r.GetNodeMatchers()); err != nil {
		return nil, err
	}
	select {
	case c.server.dumps <- struct{}{}:
		defer func() { <-c.server.dumps }()
	case <-ctx.Done():
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	out, size, most := &statusv3.ClientStatusResponse{}, 0, c.server.config.Limits.DebugBytes
	for _, p := range c.server.list() {
		if !matches(r.GetNodeMatchers(), p.nodeID) {
			continue
		}
		config := p.clientConfig(!r.GetExcludeResourceContents())
		if size += proto.Size(config); size > most {
			return nil, status.Errorf(codes.ResourceExhausted,
				"the state of these clients takes more than %d bytes: name one in node_matchers, or set exclude_resource_contents", most)
		}
		out.Config = append(out.Config, config)
	}
	return out, nil
}

// checkMatchers refuses what is not supported: regular expressions, extensions and
// node metadata, which is not kept.
func checkMatchers(all []*matcherv3.NodeMatcher) error {
	for _, m := range all {
		field := ""
		if len(m.GetNodeMetadatas()) > 0 {
			field = "node_metadatas"
		}
		if id := m.GetNodeId(); id != nil {
			switch id.GetMatchPattern().(type) {
			case *matcherv3.StringMatcher_Exact, *matcherv3.StringMatcher_Prefix,
				*matcherv3.StringMatcher_Suffix, *matcherv3.StringMatcher_Contains:
			case *matcherv3.StringMatcher_SafeRegex:
				field = "node_id.safe_regex"
			case *matcherv3.StringMatcher_Custom:
				field = "node_id.custom"
			default:
				return status.Error(codes.InvalidArgument, "node_matchers: node_id has no pattern; want exact, prefix, suffix or contains")
			}
		}
		if field != "" {
			return status.Errorf(codes.InvalidArgument, "node_matchers: %s is not supported; want node_id by exact, prefix, suffix or contains", field)
		}
	}
	return nil
}

// matches: one of them is enough, and none means all.
func matches(any []*matcherv3.NodeMatcher, nodeID string) bool {
	for _, m := range any {
		if m.GetNodeId() == nil || matchString(m.GetNodeId(), nodeID) {
			return true
		}
	}
	return len(any) == 0
}

func matchString(m *matcherv3.StringMatcher, text string) bool {
	fold := func(s string) string {
		if m.GetIgnoreCase() {
			return strings.ToLower(s)
		}
		return s
	}
	text = fold(text)
	switch p := m.GetMatchPattern().(type) {
	case *matcherv3.StringMatcher_Exact:
		return text == fold(p.Exact)
	case *matcherv3.StringMatcher_Prefix:
		return strings.HasPrefix(text, fold(p.Prefix))
	case *matcherv3.StringMatcher_Suffix:
		return strings.HasSuffix(text, fold(p.Suffix))
	case *matcherv3.StringMatcher_Contains:
		return strings.Contains(text, fold(p.Contains))
	}
	return false
}
