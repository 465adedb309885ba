package auth

import (
	"crypto/sha256"
	"sync"
	"time"
)

const (
	// rememberGood and rememberBad are how long an answer of the API server counts.
	rememberGood = time.Minute
	rememberBad  = 5 * time.Second
	// maxGood and maxBad bound how many are remembered; bad ones, which anybody can
	// send, displace no good ones.
	maxGood = 16384
	maxBad  = 1024
)

// verdict is whose a token is, or why it is nobody's.
type verdict struct {
	identity Identity
	refusal  *Error
}

func (v verdict) err() error {
	if v.refusal == nil {
		return nil // not a nil *Error
	}
	return v.refusal
}

type remembered struct {
	verdict verdict
	until   time.Time
}

// cache has verdicts by the SHA-256 of the token; the zero value is empty.
type cache struct {
	mu        sync.Mutex
	good, bad map[[sha256.Size]byte]remembered
}

func (c *cache) get(hash [sha256.Size]byte, now time.Time) (verdict, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range []map[[sha256.Size]byte]remembered{c.good, c.bad} {
		if r, ok := m[hash]; ok && now.Before(r.until) {
			return r.verdict, true
		}
	}
	return verdict{}, false
}

func (c *cache) putGood(hash [sha256.Size]byte, v verdict, until, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.bad, hash)
	c.good = put(c.good, maxGood, hash, remembered{v, until}, now)
}

func (c *cache) putBad(hash [sha256.Size]byte, v verdict, until, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.good, hash)
	c.bad = put(c.bad, maxBad, hash, remembered{v, until}, now)
}

// put makes room if there is none: of what is over first, else of any one.
func put(m map[[sha256.Size]byte]remembered, most int, hash [sha256.Size]byte, r remembered, now time.Time) map[[sha256.Size]byte]remembered {
	if m == nil {
		m = map[[sha256.Size]byte]remembered{}
	}
	if len(m) >= most {
		for h, old := range m {
			if !now.Before(old.until) {
				delete(m, h)
			}
		}
	}
	for h := range m {
		if len(m) < most {
			break
		}
		delete(m, h)
	}
	m[hash] = r
	return m
}
