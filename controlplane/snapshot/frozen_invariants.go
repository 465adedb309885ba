//go:build invariants

package snapshot

import (
	"fmt"

	"github.com/coastwise/coastwise/translate/envoy"
)

// frozen re-hashes what has been published: somebody who modified a shared body
// is found at the next use. nil is none.
func frozen(r *envoy.Resource) *envoy.Resource {
	if r == nil {
		return nil
	}
	if v := envoy.Version(r.Body); v != r.Version {
		panic(fmt.Sprintf("%s %s was modified after publishing: %s, published as %s", r.TypeURL, r.Name, v, r.Version))
	}
	return r
}

// joined holds routes that were joined against those that were made as a whole.
func joined(r envoy.Resource, whole func() (envoy.Resource, error)) envoy.Resource {
	if w, err := whole(); err != nil || w.Version != r.Version {
		panic(fmt.Sprintf("routes were joined to %s, and are %s, %v", r.Version, w.Version, err))
	}
	return r
}
