package controlplane

import "context"

// KubeConfig names the API server to watch; the zero value is none.
type KubeConfig struct{}

// mistakes are what is wrong with the flags.
func (c KubeConfig) mistakes() []error { return nil }

// kubeParts follow the API server.
func (s *server) kubeParts(context.Context) []part { return nil }
