package kube

import (
	"errors"
	"log/slog"
	"net"
	"net/url"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// troubles is what the API server says no to, or why it says nothing, by what was
// asked. Each is logged when it changes, not each time that it is met.
type troubles struct {
	log *slog.Logger

	mu   sync.Mutex
	last map[string]trouble
}

// trouble is the last that was met with a subject.
type trouble struct {
	words string
	kind  string // what it has to change in to be news
	told  bool
}

func newTroubles(log *slog.Logger) *troubles {
	return &troubles{log: log, last: map[string]trouble{}}
}

// note takes the outcome of a request; nil is success.
func (t *troubles) note(subject string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.last[subject]
	if err == nil {
		delete(t.last, subject)
		if before.told {
			t.log.Info("the API server answers again", "asked", subject)
		}
		return
	}
	now := trouble{words: cause(err), kind: kind(err)}
	now.told = before.told && before.kind == now.kind
	// Once is no news of a server that is busy, or has just been given a CRD.
	if !now.told && (!apierrors.IsTooManyRequests(err) || before.kind == now.kind) {
		now.told = true
		t.log.Warn("the API server does not give what is asked; what it gave last stays", "asked", subject, "error", now.words)
	}
	t.last[subject] = now
}

// watched notes that a watch was opened.
func (t *troubles) watched(subject string) { t.note(subject, nil) }

// listed notes that a list was given, which is no news where watching is forbidden.
func (t *troubles) listed(subject string) {
	if !t.forbidden(subject) {
		t.note(subject, nil)
	}
}

func (t *troubles) forbidden(subject string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last[subject].kind == forbidden
}

// of is the last trouble, "" if there is none.
func (t *troubles) of(subject string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last[subject].words
}

// forbidden is the kind of all that names a right that is missing: the words differ with
// the verb, and a reader tries one after the other.
const forbidden = "forbidden"

func kind(err error) string {
	if apierrors.IsForbidden(err) {
		return forbidden
	}
	return cause(err)
}

// cause is the part of an error that is the same each time: the server's own words, or the
// system's without the ports of a connection.
func cause(err error) string {
	var status apierrors.APIStatus
	if errors.As(err, &status) && status.Status().Message != "" {
		return status.Status().Message
	}
	var op *net.OpError
	if errors.As(err, &op) {
		if op.Op == "dial" && op.Addr != nil {
			return op.Addr.String() + ": " + op.Err.Error()
		}
		return op.Err.Error()
	}
	var request *url.Error
	if errors.As(err, &request) {
		return request.Err.Error()
	}
	return err.Error()
}
