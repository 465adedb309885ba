package ingest

import "github.com/coastwise/coastwise/translate/model"

// edgeListeners are those of a Gateway at the edge.
func edgeListeners(GatewayObjects) ([]model.GatewayListener, []model.Problem) { return nil, nil }
