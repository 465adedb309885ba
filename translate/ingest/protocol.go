package ingest

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// appProtocol is what a port speaks: appProtocol where it is a name that means
// something here, else the port name's prefix (semantics 9.4).
func appProtocol(p corev1.ServicePort) model.AppProtocol {
	if p.AppProtocol != nil {
		name := strings.TrimPrefix(strings.ToLower(*p.AppProtocol), "kubernetes.io/")
		if proto := protocolNamed(name); proto != model.ProtocolUndeclared {
			return proto
		}
	}
	name := strings.ToLower(p.Name)
	if name == "grpc-web" || strings.HasPrefix(name, "grpc-web-") {
		return model.ProtocolHTTP
	}
	prefix, _, _ := strings.Cut(name, "-")
	return protocolNamed(prefix)
}

// protocolNamed reads one protocol name, in lower case. What is encrypted or no
// HTTP is carried as TCP.
func protocolNamed(name string) model.AppProtocol {
	switch name {
	case "http", "ws", "grpc-web":
		return model.ProtocolHTTP
	case "http2", "h2c":
		return model.ProtocolHTTP2
	case "grpc":
		return model.ProtocolGRPC
	case "tcp", "https", "tls", "wss", "mongo", "mysql", "redis":
		return model.ProtocolTCP
	}
	return model.ProtocolUndeclared
}

func isTCP(p corev1.ServicePort) bool {
	return p.Protocol == "" || p.Protocol == corev1.ProtocolTCP
}
