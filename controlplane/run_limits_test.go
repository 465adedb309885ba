package controlplane

import (
	"strings"
	"testing"
	"time"

	"github.com/coastwise/coastwise/controlplane/xds"
)

func TestLimits(t *testing.T) {
	if got := (LimitsConfig{}).server(); got != xds.DefaultServerLimits() {
		t.Errorf("%+v", got)
	}
	want := xds.DefaultServerLimits()
	want.Connections, want.StreamsPerSecond, want.ConnectionAge = 7, 8, 9*time.Minute
	set := LimitsConfig{Connections: 7, StreamsPerSecond: 8, ConnectionAge: 9 * time.Minute}
	if got := set.server(); got != want {
		t.Errorf("%+v", got)
	}
	if got := set.mistakes(); len(got) > 0 {
		t.Error(got)
	}
	var got []string
	for _, err := range (LimitsConfig{Connections: -1, StreamsPerSecond: -1, ConnectionAge: time.Second}).mistakes() {
		got = append(got, err.Error())
	}
	for i, flag := range []string{"--max-connections: ", "--max-streams-per-second: ", "--connection-age: "} {
		if len(got) != 3 || !strings.HasPrefix(got[i], flag) {
			t.Errorf("%q", got)
			break
		}
	}
}
