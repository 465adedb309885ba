package envoy

import (
	"path"

	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"
)

// sdsConfig is the only field below which a file may be named.
const sdsConfig = "envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig.sds_config"

// ofSecret says that the last step of a path is the file of a secret.
func ofSecret(p protopath.Path) bool {
	return len(p) >= 2 && p.Index(-1).FieldDescriptor().FullName() == "envoy.config.core.v3.ConfigSource.path_config_source" &&
		p.Index(-2).Kind() == protopath.FieldAccessStep && p.Index(-2).FieldDescriptor().FullName() == sdsConfig
}

// secrets finds the secrets that m names, also inside packed messages, and
// reports those that are not allowed.
func (f *findings) secrets(m proto.Message, allowed func(*tlsv3.SdsSecretConfig) bool) {
	err := protorange.Range(m.ProtoReflect(), func(p protopath.Values) error {
		last := p.Path.Index(-1)
		if last.Kind() != protopath.FieldAccessStep || last.FieldDescriptor().FullName() != sdsConfig {
			return nil
		}
		c, ok := p.Index(-2).Value.Message().Interface().(*tlsv3.SdsSecretConfig)
		if !ok || !allowed(c) {
			f.addf("%s: secret %q of %q is not allowed", p.Path[1:].String(), c.GetName(), c.GetSdsConfig().GetPathConfigSource().GetPath())
		}
		return nil
	})
	if err != nil {
		f.addf("%v", err)
	}
}

// ofCredential says that a secret NAME is in a file DIR/NAME.yaml, and that the
// path cannot lead elsewhere.
func ofCredential(c *tlsv3.SdsSecretConfig) bool {
	file := c.GetSdsConfig().GetPathConfigSource().GetPath()
	return c.GetName() != "" && path.IsAbs(file) && path.Clean(file) == file && path.Base(file) == c.GetName()+".yaml"
}
