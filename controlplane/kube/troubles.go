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
	last map[string]string
}

func newTroubles(log *slog.Logger) *troubles {
	return &troubles{log: log, last: map[string]string{}}
}

// note takes the outcome of a request; nil is success.
func (t *troubles) note(subject string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.last[subject]
	switch {
	case err == nil && before != "":
		delete(t.last, subject)
		t.log.Info("the API server answers again", "asked", subject)
	case err != nil && cause(err) != before:
		t.last[subject] = cause(err)
		t.log.Warn("the API server does not give what is asked; what it gave last stays", "asked", subject, "error", cause(err))
	}
}

// of is the last trouble, "" if there is none.
func (t *troubles) of(subject string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last[subject]
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
