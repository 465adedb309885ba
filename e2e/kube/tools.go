package kube

import (
	"github.com/coastwise/coastwise/e2e/checkout"
	"github.com/coastwise/coastwise/e2e/coastwise"
)

// Tools are the programs of a scene.
type Tools struct {
	Coastwise coastwise.Binary
	// Envoy is the path of Envoy.
	Envoy string
}

// Build builds coastwise into dir, and installs Envoy unless ENVOY names one.
func Build(dir string) (Tools, error) {
	binary, err := checkout.Coastwise(dir)
	if err != nil {
		return Tools{}, err
	}
	envoy, err := checkout.Envoy()
	return Tools{Coastwise: coastwise.Binary(binary), Envoy: envoy}, err
}
