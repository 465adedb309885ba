package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/singleflight"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What the API server says of the Pod that a token is bound to.
const (
	extraPod  = "authentication.kubernetes.io/pod-name"
	extraUID  = "authentication.kubernetes.io/pod-uid"
	extraNode = "authentication.kubernetes.io/node-name"
)

const (
	// maxToken bounds a token in bytes; those of service accounts have about 1 KB.
	maxToken = 16 << 10
	// reviewTime bounds one question to the API server.
	reviewTime = 10 * time.Second
)

// Reviewer asks the API server about a token: client-go's TokenReviewInterface.
type Reviewer interface {
	Create(ctx context.Context, review *authenticationv1.TokenReview, opts metav1.CreateOptions) (*authenticationv1.TokenReview, error)
}

// Tokens verifies bound service-account tokens and remembers by their hash what the
// API server said: a good one for a minute or until it expires, a bad one for 5 s.
// Many that come with one token at a time ask once.
type Tokens struct {
	reviewer Reviewer
	audience string
	log      *slog.Logger
	metrics  *Metrics
	known    cache
	flights  singleflight.Group
}

// NewTokens verifies tokens for an audience.
func NewTokens(r Reviewer, audience string, log *slog.Logger, m *Metrics) *Tokens {
	return &Tokens{reviewer: r, audience: audience, log: log, metrics: m}
}

// Verify says whose a token is; the error is an *Error.
func (t *Tokens) Verify(ctx context.Context, token string) (Identity, error) {
	claims, err := t.glance(token)
	if err != nil {
		return Identity{}, err
	}
	hash := sha256.Sum256([]byte(token))
	if v, ok := t.known.get(hash, time.Now()); ok {
		return v.identity, v.err()
	}
	flight := t.flights.DoChan(string(hash[:]), func() (any, error) {
		return t.ask(hash, token, claims), nil
	})
	select {
	case r := <-flight:
		v := r.Val.(verdict)
		return v.identity, v.err()
	case <-ctx.Done():
		return Identity{}, &Error{CannotTell, "the review of the token takes too long"}
	}
}

// claims are what a token says of itself. Nothing of it is believed before the API
// server has reviewed the token; what cannot be right spares the review.
type claims struct {
	Audience audience `json:"aud"`
	Expiry   float64  `json:"exp"` // Unix seconds; 0 for never
}

// audience is a list, or a string alone.
type audience []string

// UnmarshalJSON reads both forms (RFC 7519, 4.1.3).
func (a *audience) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(a))
}

func (c claims) expires() (time.Time, bool) {
	const last = 1 << 40 // seconds: beyond it time.Unix would wrap around some day
	if c.Expiry <= 0 || c.Expiry > last {
		return time.Time{}, false
	}
	return time.Unix(int64(c.Expiry), 0), true
}

// glance refuses what no review could find good.
func (t *Tokens) glance(token string) (claims, error) {
	var c claims
	parts := strings.Split(token, ".")
	if len(token) > maxToken || len(parts) != 3 {
		return c, &Error{BadToken, "the token is not one of a service account"}
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &c) != nil {
		return c, &Error{BadToken, "the token is not one of a service account"}
	}
	if !slices.Contains(c.Audience, t.audience) {
		return c, &Error{BadToken, fmt.Sprintf("the token is not for the audience %q", t.audience)}
	}
	if at, ok := c.expires(); ok && !time.Now().Before(at) {
		return c, &Error{BadToken, "the token has expired"}
	}
	return c, nil
}

// ask asks the API server, for all who wait for it, and remembers what it said.
func (t *Tokens) ask(hash [sha256.Size]byte, token string, c claims) verdict {
	ctx, cancel := context.WithTimeout(context.Background(), reviewTime)
	defer cancel()
	review, err := t.reviewer.Create(ctx, &authenticationv1.TokenReview{
		Spec: authenticationv1.TokenReviewSpec{Token: token, Audiences: []string{t.audience}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.metrics.reviewed("unavailable")
		t.log.Warn("the API server does not review tokens", "err", clean(err.Error(), token))
		return verdict{refusal: &Error{CannotTell, "the API server does not review tokens just now"}}
	}
	v := t.judge(review.Status, token)
	now := time.Now()
	if v.refusal != nil {
		t.metrics.reviewed("bad")
		t.known.putBad(hash, v, now.Add(rememberBad), now)
		return v
	}
	t.metrics.reviewed("good")
	until := now.Add(rememberGood)
	if at, ok := c.expires(); ok && at.Before(until) {
		until = at
	}
	t.known.putGood(hash, v, until, now)
	return v
}

// judge reads the API server's answer.
func (t *Tokens) judge(s authenticationv1.TokenReviewStatus, token string) verdict {
	bad := func(reason Reason, message string) verdict { return verdict{refusal: &Error{reason, message}} }
	if !s.Authenticated {
		return bad(BadToken, strings.TrimSuffix("the API server refused the token: "+clean(s.Error, token), ": "))
	}
	if !slices.Contains(s.Audiences, t.audience) {
		return bad(BadToken, fmt.Sprintf("the token is not for the audience %q", t.audience))
	}
	name, ok := strings.CutPrefix(s.User.Username, "system:serviceaccount:")
	namespace, account, both := strings.Cut(name, ":")
	if !ok || !both || namespace == "" || account == "" || strings.Contains(account, ":") {
		return bad(BadToken, "the token is not one of a service account")
	}
	id := Identity{
		Namespace: namespace, ServiceAccount: account,
		Pod: extra(s, extraPod), PodUID: extra(s, extraUID), Node: extra(s, extraNode),
	}
	if id.Pod == "" || id.PodUID == "" {
		return bad(NoPod, "the token is not bound to a Pod")
	}
	return verdict{identity: id}
}

// extra is the one value of a key, "" for none or several.
func extra(s authenticationv1.TokenReviewStatus, key string) string {
	if values := s.User.Extra[key]; len(values) == 1 {
		return values[0]
	}
	return ""
}

// clean makes sure that no part of a token is in a message.
func clean(message, token string) string {
	for _, part := range append(strings.Split(token, "."), token) {
		if part != "" && strings.Contains(message, part) {
			return "(not shown: it quotes the token)"
		}
	}
	return message
}
