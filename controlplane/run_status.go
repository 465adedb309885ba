package controlplane

import (
	"context"

	"github.com/coastwise/coastwise/controlplane/status"
)

// statusConfig is what statuses are made of; ok is false without an API server, where
// nobody could read them.
//
// TO CONNECT when the Kubernetes source and the peers are there: REST, Objects and
// Changed are the source's, Rollouts those of the hub joined with the peers'.
// Ready is s.hub.Synced, Problems s.hub.Problems, Namespace and Name s.config.Replica's.
func (s *server) statusConfig() (_ status.Config, ok bool) { return status.Config{}, false }

// statusParts write what became of the users' objects, if this replica leads.
func (s *server) statusParts(ctx context.Context) []part {
	c, ok := s.statusConfig()
	if !ok {
		return nil
	}
	controller, err := status.New(c)
	if err != nil {
		return []part{{"status", func() error { return err }}}
	}
	s.registry.MustRegister(controller.Collectors()...)
	return []part{{"status", func() error { return controller.Run(ctx) }}}
}
