package locality

import (
	"cmp"
	"slices"

	"github.com/coastwise/coastwise/translate/model"
)

// bucketKey is what the endpoints of one group have in common.
type bucketKey struct {
	rank     rank
	locality model.Locality
}

type bucket struct {
	bucketKey
	index int32
	size  int
}

// group turns ranks into dense priorities and gathers the endpoints of one
// locality, in the order of the candidates, which is that of their addresses. first is the
// pool's reason.
func group(cs []candidate, first Reason) []Group {
	buckets, size := fill(cs)
	if size == 0 {
		return nil
	}
	slices.SortFunc(buckets, func(a, b bucket) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), a.locality.Compare(b.locality))
	})
	groups := make([]Group, len(buckets))
	groupOf := make([]*Group, len(buckets))
	space := make([]Endpoint, size)
	var priority uint32
	for i, b := range buckets {
		if i > 0 && b.rank != buckets[i-1].rank {
			if priority == maxPriority {
				return group(bounded(cs, buckets[i-1].rank), first)
			}
			priority++
		}
		groups[i] = Group{Priority: priority, Locality: b.locality, Reason: b.rank.reason(first), Endpoints: space[:0:b.size]}
		groupOf[b.index] = &groups[i]
		space = space[b.size:]
	}
	for i := range cs {
		if c := &cs[i]; c.in() {
			g := groupOf[c.bucket]
			g.Endpoints = append(g.Endpoints, Endpoint{
				Address: c.Address, Additional: c.Additional, Port: c.Port, Weight: c.Weight, Healthy: c.healthy,
				HBONE: c.HBONE, Identity: c.Identity,
			})
		}
	}
	return groups
}

// fill gives every candidate that is in its bucket, and counts them. Each bucket
// has at least one.
func fill(cs []candidate) (buckets []bucket, size int) {
	index := make(map[bucketKey]int32)
	for i := range cs {
		c := &cs[i]
		if !c.in() {
			continue
		}
		key := bucketKey{c.rank, c.Locality}
		at, ok := index[key]
		if !ok {
			at = int32(len(buckets))
			index[key] = at
			buckets = append(buckets, bucket{bucketKey: key, index: at})
		}
		c.bucket = at
		buckets[at].size++
		size++
	}
	return buckets, size
}
