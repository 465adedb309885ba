package xds

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestLimitsPage: docs/limits.md has the figures of the code.
func TestLimitsPage(t *testing.T) {
	text, err := os.ReadFile("../../docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	l := DefaultServerLimits()
	mib, kib := func(n int) string { return fmt.Sprintf("%d MiB", n>>20) }, func(n int) string { return fmt.Sprintf("%d KiB", n>>10) }
	for row, figures := range map[string][]any{
		"connections |":                       {l.Connections},
		"connections of one verified pod |":   {l.ConnectionsPerPod},
		"… of one verified gRPC client":       {l.ConnectionsShared},
		"streams that begin in a second":      {fmt.Sprint(streamsPerCore, " for each core"), fmt.Sprint("for ", l.StreamWait, " at most")},
		"streams on one connection":           {l.StreamsPerConnection},
		"requests on one stream in a second":  {l.RequestsPerSecond, fmt.Sprint(l.RequestBurst, " at once"), fmt.Sprint("after ", l.RequestWait)},
		"size of a request":                   {mib(l.ReceiveBytes)},
		"size of a stream's headers":          {kib(int(l.HeaderBytes))},
		"length of a name":                    {l.Stream.NameBytes, maxNodeID},
		"locality and `metadata.coastwise`":   {kib(maxClaims)},
		"subscribed names that do not exist":  {l.Stream.Missing},
		"types that are not served":           {maxUnknownTypes},
		"time until TLS":                      {l.Handshake},
		"time until a stream's first request": {l.FirstRequest},
		"time that a client may not read":     {l.SendTimeout},
		"time without any stream":             {l.ConnectionIdle},
		"age of a connection":                 {l.ConnectionAge, fmt.Sprint("streams have ", l.ConnectionGrace)},
		"pings":                               {fmt.Sprint("each ", pingEvery), fmt.Sprint("in ", pingTimeout), fmt.Sprint("each ", pingLeast)},
		"an answer of the client status":      {mib(l.DebugBytes)},
	} {
		line := ""
		for one := range strings.Lines(page) {
			if strings.HasPrefix(one, "| "+row) {
				line = one
			}
		}
		for _, figure := range figures {
			if !strings.Contains(line, " "+fmt.Sprint(figure)) {
				t.Errorf("the row %q has no %v: %q", row, figure, line)
			}
		}
	}
	for _, figure := range []string{
		fmt.Sprintf("one more for each %d KiB", bytesPerCost>>10),
		fmt.Sprintf("a delta response removes %d of them", l.Stream.Removals),
	} {
		if !strings.Contains(page, figure) {
			t.Errorf("%q is not said", figure)
		}
	}
	for _, reason := range []string{connectionsFull, clientConnections, streamRate, noRequest} {
		if !strings.Contains(page, "(reason `"+reason+"`)") {
			t.Errorf("the reason %s is not told", reason)
		}
	}
}
