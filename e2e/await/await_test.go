package await_test

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coastwise/coastwise/e2e/await"
)

// judged is a test that somebody looks at.
type judged struct {
	testing.TB
	failed string
}

func (j *judged) Helper() {}

func (j *judged) Fatalf(format string, args ...any) {
	j.failed = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// TestUntil: what comes in time is waited for no longer than it takes; what does not
// fails the test, which says what was missing last.
func TestUntil(t *testing.T) {
	for _, c := range []struct {
		comes, limit, took time.Duration
		failed             string
	}{
		{comes: 0, limit: time.Second, took: 0},
		{comes: 95 * time.Millisecond, limit: time.Second, took: 100 * time.Millisecond},
		{comes: time.Hour, limit: time.Second, took: 1010 * time.Millisecond, failed: "not within 1s: 1.01s gone"},
	} {
		synctest.Test(t, func(t *testing.T) {
			start, j := time.Now(), &judged{TB: t}
			done := make(chan struct{})
			go func() {
				defer close(done)
				await.Until(j, c.limit, func() string {
					if gone := time.Since(start); gone < c.comes {
						return fmt.Sprint(gone, " gone")
					}
					return ""
				})
			}()
			<-done
			if took := time.Since(start); took != c.took || j.failed != c.failed {
				t.Errorf("took %v, not %v; failed with %q, not %q", took, c.took, j.failed, c.failed)
			}
		})
	}
}
