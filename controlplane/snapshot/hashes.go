package snapshot

import (
	"reflect"

	"github.com/coastwise/coastwise/translate/model"
)

// sameHashes says that the hash keys in the routes of every client are the same
// for two forms of a service.
func sameHashes(was, is *model.Service) bool {
	before, after := hashes(was), hashes(is)
	if before == nil && after == nil {
		return true
	}
	return reflect.DeepEqual(before, after)
}

// hashes are the keys of all policies that clients may have; nil where none hashes.
func hashes(s *model.Service) map[model.PolicyKey]*model.Hash {
	some := false
	for _, p := range s.Policies {
		some = some || p.Cluster.Hash != nil
	}
	if !some {
		return nil
	}
	out := make(map[model.PolicyKey]*model.Hash, len(s.Lookup))
	for key, id := range s.Lookup {
		out[key] = s.Policies[id].Cluster.Hash
	}
	return out
}
