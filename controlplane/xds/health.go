package xds

import (
	"context"

	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
)

// healthCheck answers as streams are answered: serving if ready and not stopping.
type healthCheck struct {
	healthv1.UnimplementedHealthServer
	server *Server
}

// Check has one answer for every service name.
func (h healthCheck) Check(context.Context, *healthv1.HealthCheckRequest) (*healthv1.HealthCheckResponse, error) {
	serving := h.server.config.Ready()
	select {
	case <-h.server.unready:
		serving = false
	default:
	}
	out := &healthv1.HealthCheckResponse{Status: healthv1.HealthCheckResponse_NOT_SERVING}
	if serving {
		out.Status = healthv1.HealthCheckResponse_SERVING
	}
	return out, nil
}
