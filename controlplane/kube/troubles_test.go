package kube

import (
	"errors"
	"log/slog"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TestAMissingRightIsToldOnce: a reader asks by turns to watch and to list, and may be
// granted only one of them.
func TestAMissingRightIsToldOnce(t *testing.T) {
	denied := func(verb string) error {
		return apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", errors.New("cannot "+verb))
	}
	var log lines
	tr := newTroubles(slog.New(slog.NewTextHandler(&log, nil)))
	for range 3 {
		tr.note("pods", denied("watch"))
		tr.note("pods", denied("list"))
	}
	for range 3 {
		tr.listed("pods")
		tr.note("pods", denied("watch"))
	}
	if log.with("does not give what is asked") != 1 || log.with("answers again") != 0 {
		t.Errorf("told:\n%s", log.text())
	}
	if tr.of("pods") != denied("watch").Error() {
		t.Errorf("the last trouble: %s", tr.of("pods"))
	}
	tr.watched("pods")
	if log.with("answers again") != 1 || tr.of("pods") != "" {
		t.Errorf("its end:\n%s", log.text())
	}
	tr.note("pods", errors.New("away"))
	tr.note("pods", denied("list"))
	if log.with("does not give what is asked") != 3 {
		t.Errorf("another trouble is news:\n%s", log.text())
	}
}

// TestABusyServerIsNoNewsAtOnce: whoever was just given a CRD says so to the first that
// ask for its objects.
func TestABusyServerIsNoNewsAtOnce(t *testing.T) {
	busy := apierrors.NewTooManyRequests("storage is (re)initializing", 1)
	var log lines
	tr := newTroubles(slog.New(slog.NewTextHandler(&log, nil)))
	tr.note("rules", busy)
	tr.listed("rules")
	if log.text() != "" {
		t.Errorf("told:\n%s", log.text())
	}
	for range 3 {
		tr.note("rules", busy)
	}
	tr.listed("rules")
	if log.with("does not give what is asked") != 1 || log.with("answers again") != 1 {
		t.Errorf("told:\n%s", log.text())
	}
}
