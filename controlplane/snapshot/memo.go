package snapshot

import (
	"fmt"

	"github.com/coastwise/coastwise/translate/envoy"
)

// once gives the resource of a key, and builds it if it is the first that is asked for it;
// nil if it may not be sent. Called under the memo's lock.
func once[K comparable](memo map[K]*envoy.Resource, key K, build func() (envoy.Resource, error)) *envoy.Resource {
	if r, ok := memo[key]; ok {
		return r
	}
	r, err := build()
	if err != nil {
		memo[key] = nil
		return nil
	}
	memo[key] = &r
	return &r
}

// contained turns a panic into the error of the one thing whose making caused it.
func contained(build func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return build()
}
