package kube

import (
	"slices"
	"strings"
	"sync"
)

// credentials remembers what admission was told of secrets: objects that name one
// must be admitted again when the answer is another.
type credentials struct {
	find func(secrets []string) (dir string, err error)

	mu    sync.Mutex
	asked map[string]credential
	stale bool // somebody got another answer than somebody before
}

type credential struct {
	secrets []string
	dir     string
	missing bool
}

func newCredentials(find func([]string) (string, error)) *credentials {
	if find == nil {
		return nil
	}
	return &credentials{find: find, asked: map[string]credential{}}
}

// credential is admit.Options.Credential.
func (c *credentials) credential(secrets []string) (string, error) {
	dir, err := c.find(secrets)
	c.mu.Lock()
	defer c.mu.Unlock()
	key := strings.Join(secrets, "/")
	was, known := c.asked[key]
	c.stale = c.stale || known && !was.is(dir, err)
	c.asked[key] = credential{slices.Clone(secrets), dir, err != nil}
	return dir, err
}

// renewed says that an answer has changed; then all are forgotten, since all that
// names a secret is to be admitted again.
func (c *credentials) renewed() bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, was := range c.asked {
		dir, err := c.find(was.secrets)
		c.stale = c.stale || !was.is(dir, err)
	}
	if !c.stale {
		return false
	}
	clear(c.asked)
	c.stale = false
	return true
}

// is says that the answer is still the same.
func (was credential) is(dir string, err error) bool {
	return dir == was.dir && (err != nil) == was.missing
}
