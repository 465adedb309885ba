package snapshot

import (
	"time"

	"github.com/coastwise/coastwise/translate/envoy"
)

// secrets are those that a client refused, since it could not read their files: they are
// sent again, spelled differently, until they are taken. Envoy itself would never look
// again. Guarded by the member's lock.
type secrets struct {
	attempts uint        // how often they were sent again
	timer    *time.Timer // nil if none runs
}

const (
	// firstRetry and lastRetry bound how long refused secrets wait until they are sent
	// again; the time doubles from one attempt to the next.
	firstRetry = time.Second
	lastRetry  = 15 * time.Second
)

// retry makes the stream send its secrets again after a while.
func (m *Member) retry() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.secrets.timer == nil {
		pause := min(lastRetry, firstRetry<<min(m.secrets.attempts, 8))
		m.secrets.timer = time.AfterFunc(pause, m.again)
	}
}

// again has the stream look at its secrets, which are spelled differently now.
func (m *Member) again() {
	m.mu.Lock()
	m.secrets.timer = nil
	m.secrets.attempts++
	m.mu.Unlock()
	m.mark(envoy.TunnelSecrets(), false, false, time.Now())
}

// forgetSecrets ends that: the stream has ended.
func (m *Member) forgetSecrets() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.secrets.timer != nil {
		m.secrets.timer.Stop()
	}
}

// NackedSecrets has the secrets of a client sent again that refused one. All of them: an
// Envoy that refuses one of two in a response may not have read the other, and takes it as
// unchanged when it comes by itself.
func (h *Hub) NackedSecrets(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for m := range h.byPod[podOf(id)] {
		if m.claims.ID == id {
			m.retry()
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
