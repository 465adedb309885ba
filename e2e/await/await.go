package await

import (
	"testing"
	"time"
)

// pause is the time between two questions.
const pause = 10 * time.Millisecond

// Until asks what is missing until that is "", and fails the test if it is not within
// limit.
func Until(t testing.TB, limit time.Duration, missing func() string) {
	t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(pause) {
		what := missing()
		if what == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}
