package controlplane

import (
	"context"
	"time"
)

// ReplicaConfig says which of several servers this is.
type ReplicaConfig struct {
	// Namespace and Name are those of this replica's Pod (POD_NAMESPACE, POD_NAME).
	Namespace, Name string
	// DrainDelay is for how long a server that is told to end serves on, not ready;
	// DrainTime over how long it then tells its clients to go.
	DrainDelay, DrainTime time.Duration
}

// mistakes are what is wrong with the flags.
func (c ReplicaConfig) mistakes() []error { return nil }

// peerParts let replicas ask each other.
func (s *server) peerParts(context.Context) []part { return nil }
