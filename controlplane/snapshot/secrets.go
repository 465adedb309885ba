package snapshot

import (
	"slices"
	"time"

	"github.com/coastwise/coastwise/translate/envoy"
)

// secrets are those that a client refused, since it could not read their files: they are
// sent again, spelled differently, until they are taken. Envoy itself would never look
// again. Guarded by the member's lock.
type secrets struct {
	attempts map[string]uint // by name, how often one was sent again
	waiting  []string        // to be sent again when the timer fires
	timer    *time.Timer     // nil if none runs
}

const (
	// firstRetry and lastRetry bound how long a refused secret waits until it is sent
	// again; the time doubles from one attempt to the next.
	firstRetry = time.Second
	lastRetry  = 15 * time.Second
)

// retry makes the stream send a refused secret again after a while.
func (m *Member) retry(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.Contains(m.secrets.waiting, name) {
		m.secrets.waiting = append(m.secrets.waiting, name)
	}
	if m.secrets.timer == nil {
		pause := min(lastRetry, firstRetry<<min(m.secrets.attempts[name], 8))
		m.secrets.timer = time.AfterFunc(pause, m.again)
	}
}

// again has the stream look at the secrets that wait, which are spelled differently now.
func (m *Member) again() {
	m.mu.Lock()
	names := m.secrets.waiting
	m.secrets.waiting, m.secrets.timer = nil, nil
	if m.secrets.attempts == nil {
		m.secrets.attempts = map[string]uint{}
	}
	for _, name := range names {
		m.secrets.attempts[name]++
	}
	m.mu.Unlock()
	m.mark(names, false, false, time.Now())
}

// forgetSecrets ends that: the stream has ended.
func (m *Member) forgetSecrets() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.secrets.timer != nil {
		m.secrets.timer.Stop()
	}
}

// refuseSecret has a secret sent again to whom refused it.
func (h *Hub) refuseSecret(r Refusal) {
	for m := range h.byPod[podOf(r.ProxyID)] {
		if m.claims.ID == r.ProxyID {
			m.retry(r.Name)
		}
	}
}

// Mended forgets the refusal of a secret that its client has taken after all.
func (h *Hub) Mended(r Refusal) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.refused, keyOfRefusal(r))
}

// keyOfRefusal is of a resource, and of a secret for one client: each has its own.
func keyOfRefusal(r Refusal) refusedKey {
	key := refusedKey{typeURL: r.TypeURL, name: r.Name}
	if r.TypeURL == envoy.SecretType {
		key.proxy = r.ProxyID
	}
	return key
}
