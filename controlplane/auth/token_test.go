package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coastwise/coastwise/controlplane/auth/authtest"
)

// desk reviews tokens without a network, so that time can be fake.
type desk struct {
	mu    sync.Mutex
	says  authenticationv1.TokenReviewStatus
	err   error
	takes time.Duration
	asked int
}

func (d *desk) Create(ctx context.Context, r *authenticationv1.TokenReview, _ metav1.CreateOptions) (*authenticationv1.TokenReview, error) {
	d.mu.Lock()
	d.asked++
	says, err := d.says, d.err
	d.mu.Unlock()
	select {
	case <-time.After(d.takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if len(r.Spec.Audiences) != 1 || r.Spec.Audiences[0] != "coastwise" {
		return nil, fmt.Errorf("asked for %q", r.Spec.Audiences)
	}
	return &authenticationv1.TokenReview{Status: says}, err
}

func reasonOf(err error) Reason {
	refusal, _ := errors.AsType[*Error](err)
	if refusal == nil {
		return ""
	}
	return refusal.Reason
}

func TestTokenReview(t *testing.T) {
	bound := func() authenticationv1.TokenReviewStatus {
		return authtest.Bound("coastwise", "shop", "web", "web-1", "uid-1", "node-1")
	}
	for name, c := range map[string]struct {
		audience string
		expires  time.Duration
		spoil    func(*authenticationv1.TokenReviewStatus)
		reason   Reason
		message  string
		asked    int
	}{
		"right":                  {asked: 1},
		"no node yet":            {spoil: func(s *authenticationv1.TokenReviewStatus) { delete(s.User.Extra, extraNode) }, asked: 1},
		"another audience":       {audience: "vault", reason: BadToken, message: `not for the audience "coastwise"`},
		"expired":                {expires: -time.Second, reason: BadToken, message: "expired"},
		"refused":                {spoil: func(s *authenticationv1.TokenReviewStatus) { s.Authenticated, s.Error = false, "revoked" }, reason: BadToken, message: "revoked", asked: 1},
		"audience not confirmed": {spoil: func(s *authenticationv1.TokenReviewStatus) { s.Audiences = nil }, reason: BadToken, message: "audience", asked: 1},
		"no service account":     {spoil: func(s *authenticationv1.TokenReviewStatus) { s.User.Username = "admin" }, reason: BadToken, asked: 1},
		"a user named so":        {spoil: func(s *authenticationv1.TokenReviewStatus) { s.User.Username = "shop:web" }, reason: BadToken, asked: 1},
		"half a service account": {spoil: func(s *authenticationv1.TokenReviewStatus) { s.User.Username = "system:serviceaccount:shop" }, reason: BadToken, asked: 1},
		"more than one":          {spoil: func(s *authenticationv1.TokenReviewStatus) { s.User.Username += ":x" }, reason: BadToken, asked: 1},
		"no pod":                 {spoil: func(s *authenticationv1.TokenReviewStatus) { s.User.Extra = nil }, reason: NoPod, asked: 1},
		"a pod without a UID":    {spoil: func(s *authenticationv1.TokenReviewStatus) { delete(s.User.Extra, extraUID) }, reason: NoPod, asked: 1},
		"two pods in one":        {spoil: func(s *authenticationv1.TokenReviewStatus) { s.User.Extra[extraPod] = []string{"a", "b"} }, reason: NoPod, asked: 1},
		"the refusal quotes it":  {spoil: func(s *authenticationv1.TokenReviewStatus) { s.Authenticated, s.Error = false, "bad c2ln" }, reason: BadToken, message: "not shown", asked: 1},
	} {
		t.Run(name, func(t *testing.T) {
			d := &desk{says: bound()}
			if c.spoil != nil {
				c.spoil(&d.says)
			}
			tokens := NewTokens(d, "coastwise", slog.Default(), NewMetrics())
			id, err := tokens.Verify(t.Context(), jwt(or(c.audience, "coastwise"), time.Now().Add(orHour(c.expires))))
			if reasonOf(err) != c.reason || c.reason != "" && !strings.Contains(err.Error(), c.message) || d.asked != c.asked {
				t.Fatalf("%+v, %v (%s), asked %d times", id, err, reasonOf(err), d.asked)
			}
			if c.reason == "" && (id.Namespace != "shop" || id.ServiceAccount != "web" || id.Pod != "web-1" || id.PodUID != "uid-1") {
				t.Errorf("%+v", id)
			}
			if c.reason != "" && id != (Identity{}) {
				t.Errorf("refused, and %+v", id)
			}
		})
	}
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// jwt is a token by its claims; its last part is "sig".
func jwt(audience string, expires time.Time) string {
	return "e30." + strings.Split(new(authtest.API).Unknown(audience, expires), ".")[1] + ".c2ln"
}

func TestWhatIsNoTokenIsNotReviewed(t *testing.T) {
	d := &desk{}
	tokens := NewTokens(d, "coastwise", slog.Default(), NewMetrics())
	for _, text := range []string{"", "x", "a.b", "a.b.c", "a.b.c.d", "a.e30.c", "a.eyJhdWQiOjF9.c", strings.Repeat("x", maxToken) + ".e30.x"} {
		if _, err := tokens.Verify(t.Context(), text); reasonOf(err) != BadToken {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	if d.asked != 0 {
		t.Errorf("asked %d times", d.asked)
	}
	// A string alone is an audience too.
	d.says = authtest.Bound("coastwise", "shop", "web", "web-1", "u", "n")
	if _, err := tokens.Verify(t.Context(), "a.eyJhdWQiOiJjb2FzdHdpc2UifQ.c"); err != nil {
		t.Error(err)
	}
}

// A good answer counts for a minute, or until the token expires, also while the API
// server is away; a bad one for 5 s; none at all is not remembered.
func TestTokensAreRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{says: authtest.Bound("coastwise", "shop", "web", "web-1", "u", "n")}
		tokens := NewTokens(d, "coastwise", slog.Default(), NewMetrics())
		long, short := jwt("coastwise", time.Now().Add(time.Hour)), jwt("coastwise", time.Now().Add(20*time.Second))
		expect := func(what, token string, reason Reason, asked int) {
			t.Helper()
			if _, err := tokens.Verify(t.Context(), token); reasonOf(err) != reason || d.asked != asked {
				t.Errorf("%s: %v, asked %d times, want %q and %d", what, err, d.asked, reason, asked)
			}
		}
		expect("first", long, "", 1)
		expect("short", short, "", 2)
		d.err = errors.New("connection refused")
		time.Sleep(19 * time.Second)
		expect("away", long, "", 2)
		expect("away, short", short, "", 2)
		time.Sleep(time.Second)
		expect("expired", short, BadToken, 2)
		time.Sleep(41 * time.Second)
		expect("over", long, CannotTell, 3)
		expect("over again", long, CannotTell, 4)
		d.err, d.says = nil, authenticationv1.TokenReviewStatus{}
		expect("bad", long, BadToken, 5)
		time.Sleep(4 * time.Second)
		expect("still bad", long, BadToken, 5)
		d.says = authtest.Bound("coastwise", "shop", "web", "web-1", "u", "n")
		time.Sleep(time.Second)
		expect("good now", long, "", 6)
	})
}

// Many streams with one token ask once; a stream that ends waits no longer, and the
// others do.
func TestTokensAreReviewedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{says: authtest.Bound("coastwise", "shop", "web", "web-1", "u", "n"), takes: time.Second}
		tokens := NewTokens(d, "coastwise", slog.Default(), NewMetrics())
		token := jwt("coastwise", time.Now().Add(time.Hour))
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				if i == 0 {
					ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
				}
				defer cancel()
				if _, err := tokens.Verify(ctx, token); (err != nil) != (i == 0) {
					t.Errorf("%d: %v", i, err)
				}
			})
		}
		all.Wait()
		if d.asked != 1 {
			t.Errorf("asked %d times", d.asked)
		}
		d.takes = time.Hour
		start := time.Now()
		if _, err := tokens.Verify(t.Context(), jwt("coastwise", time.Now().Add(2*time.Hour))); reasonOf(err) != CannotTell || time.Since(start) != reviewTime {
			t.Errorf("an API server that hangs: %v after %v", err, time.Since(start))
		}
	})
}

func TestCacheIsBounded(t *testing.T) {
	var c cache
	now := time.Now()
	good := sha256.Sum256([]byte("good"))
	c.putGood(good, verdict{identity: Identity{Namespace: "x"}}, now.Add(time.Minute), now)
	for i := range 3 * maxBad {
		c.putBad(sha256.Sum256(fmt.Append(nil, i)), verdict{refusal: &Error{Reason: BadToken}}, now.Add(time.Second), now)
	}
	if len(c.bad) != maxBad {
		t.Errorf("%d bad ones", len(c.bad))
	}
	if v, ok := c.get(good, now); !ok || v.err() != nil || v.identity.Namespace != "x" {
		t.Error("bad ones displaced a good one")
	}
	for i := range maxGood + 10 {
		c.putGood(sha256.Sum256(fmt.Append(nil, "g", i)), verdict{}, now.Add(time.Minute), now)
	}
	if len(c.good) != maxGood {
		t.Errorf("%d good ones", len(c.good))
	}
	c.putGood(good, verdict{}, now.Add(3*time.Minute), now.Add(2*time.Minute))
	if len(c.good) != 1 {
		t.Errorf("%d good ones after all others were over", len(c.good))
	}
}
