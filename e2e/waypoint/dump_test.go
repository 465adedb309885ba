package waypoint

import (
	"slices"
	"strings"
	"testing"

	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/dump"
)

// TestTranslateIsWhatAWaypointHolds compares what translate prints with what an Envoy
// has accepted, of 20 random services, in both forms.
func TestTranslateIsWhatAWaypointHolds(t *testing.T) {
	for name, f := range forms {
		t.Run(name, func(t *testing.T) {
			m, all := drawnMesh(t, f, drawn(t))
			w := m.waypoint(1)
			text, err := built.coastwise.TranslateEnvoy(t.Context(), string(m.folder), w.flags)
			if err != nil {
				t.Fatal(err)
			}
			want, err := dump.Printed(text)
			if err != nil {
				t.Fatal(err)
			}
			await.Until(t, patience, func() string {
				body, err := w.Get(t.Context(), dump.Path)
				if err != nil {
					return err.Error()
				}
				has, err := dump.Held(body)
				if err != nil {
					return err.Error()
				}
				return dump.Different(want, has)
			})
			listeners := "waypoint"
			if f.hbone {
				listeners = "connect_originate connect_terminate main_internal"
			}
			if got := strings.Join(want.Names("listeners"), " "); got != listeners {
				t.Errorf("listeners %s, not %s", got, listeners)
			}
			for _, s := range all {
				if !slices.Contains(want.Names("clusters"), s.cluster()) || !slices.Contains(want.Names("endpoints"), s.cluster()) {
					t.Errorf("%s has no cluster or no endpoints", s.name)
				}
			}
		})
	}
}
