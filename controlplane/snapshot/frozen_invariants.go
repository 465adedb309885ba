//go:build invariants

package snapshot

import (
	"fmt"

	"github.com/coastwise/coastwise/translate/envoy"
)

// frozen re-hashes what has been published: somebody who modified a shared body
// is found at the next use.
func frozen(r *envoy.Resource) *envoy.Resource {
	if v := envoy.Version(r.Body); v != r.Version {
		panic(fmt.Sprintf("%s %s was modified after publishing: %s, published as %s", r.TypeURL, r.Name, v, r.Version))
	}
	return r
}
