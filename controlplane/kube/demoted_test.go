package kube

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/go-logr/logr"
)

// TestClientGoIsHeardByWhoDebugs, and by nobody else.
func TestClientGoIsHeardByWhoDebugs(t *testing.T) {
	for level, want := range map[slog.Level]int{slog.LevelInfo: 0, slog.LevelDebug: 2} {
		var log lines
		l := logr.FromSlogHandler(demoted{slog.NewTextHandler(&log, &slog.HandlerOptions{Level: level})}).WithName("x").WithValues("a", "b")
		l.Error(errors.New("no"), "Failed to watch")
		l.Info("Warning")
		if n := log.with("level=DEBUG"); n != want || len(log.all) != want {
			t.Errorf("%s: %v", level, log.all)
		}
	}
}
