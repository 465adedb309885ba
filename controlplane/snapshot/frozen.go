//go:build !invariants

package snapshot

import "github.com/coastwise/coastwise/translate/envoy"

// frozen checks nothing in an ordinary build; see frozen_invariants.go.
func frozen(r *envoy.Resource) *envoy.Resource { return r }

// joined checks nothing likewise.
func joined(r envoy.Resource, _ func() (envoy.Resource, error)) envoy.Resource { return r }
