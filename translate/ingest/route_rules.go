package ingest

import (
	"fmt"
	"slices"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// ruleReader says the rules of one route in mesh words. A part that cannot be served
// is a problem, and its rule, or its backend's share, answers 500, as the API wants:
// what the user asked for is done, or is visibly not done.
type ruleReader struct {
	routing  Routing
	object   routeObject
	problems []model.Problem
}

// translateRules says all rules of a route in mesh words, whatever its parent: a
// Service (attachRoutes), or a listener of a Gateway. They may stand beside those of
// other routes with the same parent; inOrder sorts them.
func translateRules(r Routing, o routeObject) ([]rankedRoute, []model.Problem) {
	t := &ruleReader{routing: r, object: o}
	var out []rankedRoute
	for i, rule := range o.rules {
		out = append(out, t.rule(i, rule)...)
	}
	return out, t.problems
}

func (t *ruleReader) tell(field string, s model.Severity, reason model.Reason, format string, args ...any) {
	t.problems = append(t.problems, t.object.problem(field, s, reason, fmt.Sprintf(format, args...)))
}

// unsupported tells of a value that cannot be served.
func (t *ruleReader) unsupported(field, format string, args ...any) {
	t.tell(field, model.Warning, model.UnsupportedValue, format, args...)
}

// lost makes errors of the values that were told since: for them the whole rule is not
// served.
func (t *ruleReader) lost(since int) {
	for i := since; i < len(t.problems); i++ {
		if t.problems[i].Reason == model.UnsupportedValue {
			t.problems[i].Severity = model.Error
		}
	}
}

// rule is one route for each of its matches.
func (t *ruleReader) rule(i int, rule routeRule) []rankedRoute {
	field := fmt.Sprintf("spec.rules[%d]", i)
	before := len(t.problems)
	matches := t.matches(field, rule)
	if len(matches) == 0 {
		t.lost(before)
	}
	does := t.does(field, rule, matches)
	does.Object, does.Rule, does.GRPC = t.object.ref, i, t.object.isGRPC()
	out := make([]rankedRoute, len(matches))
	for j, m := range matches {
		out[j] = rankedRoute{Route: does, created: t.object.created, rank: m.rank, index: m.index}
		out[j].Match = m.RouteMatch
	}
	return out
}

// does is all that a rule does, whichever of its matches it was.
func (t *ruleReader) does(field string, rule routeRule, matches []rankedMatch) model.Route {
	var out model.Route
	ok := t.filters(&out, field+".filters", rule.filters, matches)
	backends := t.backends(field+".backendRefs", rule.backends)
	t.patience(&out, field, rule)
	switch {
	case !ok:
		return model.Route{} // 500
	case out.Redirect != nil && len(rule.backends) > 0:
		t.tell(field+".backendRefs", model.Info, model.NoEffect, "the rule answers with a redirect")
	case out.Redirect == nil:
		out.Backends = backends
	}
	return out
}

// patience is how long a rule waits, and what it repeats.
func (t *ruleReader) patience(out *model.Route, field string, rule routeRule) {
	if rule.timeouts != nil {
		out.Timeout = t.duration(field+".timeouts.request", rule.timeouts.Request)
		out.BackendTimeout = t.duration(field+".timeouts.backendRequest", rule.timeouts.BackendRequest)
	}
	if rule.retry != nil {
		out.Retry = t.retry(field+".retry", rule.retry)
	}
	if rule.session != nil {
		t.tell(field+".sessionPersistence", model.Warning, model.NotHonoured,
			"requests are not pinned by a route: consistentHash of a rule for the backend keeps a key at one endpoint")
	}
}

// duration reads one of the API; 0, said or not, is no limit.
func (t *ruleReader) duration(field string, d *gatewayv1.Duration) time.Duration {
	if d == nil {
		return 0
	}
	out, err := time.ParseDuration(string(*d))
	if err != nil || out < 0 {
		t.unsupported(field, "%q is not a duration: no limit holds", string(*d))
		return 0
	}
	return out
}

// The bounds of retries.
const (
	defaultAttempts = 2 // semantics 9.6
	maxAttempts     = 100
)

func (t *ruleReader) retry(field string, r *gatewayv1.HTTPRouteRetry) *model.Retry {
	out := &model.Retry{Attempts: defaultAttempts, Backoff: t.duration(field+".backoff", r.Backoff)}
	if r.Attempts != nil {
		out.Attempts = uint32(min(max(*r.Attempts, 0), maxAttempts))
		if int(out.Attempts) != *r.Attempts {
			t.unsupported(field+".attempts", "%d is not in 0..%d: %d are made", *r.Attempts, maxAttempts, out.Attempts)
		}
	}
	for i, code := range r.Codes {
		if code < 400 || code > 599 {
			t.unsupported(fmt.Sprintf("%s.codes[%d]", field, i), "%d is no status of a failure (400..599), and is not repeated", code)
			continue
		}
		out.Codes = append(out.Codes, uint32(code))
	}
	slices.Sort(out.Codes)
	out.Codes = slices.Compact(out.Codes)
	return out
}
