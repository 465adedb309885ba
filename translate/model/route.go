package model

import "time"

// Route is one match of one rule of an HTTPRoute or GRPCRoute, in mesh words. A
// list of them is in the order in which they are tried: by the precedence of
// Gateway API (HTTPRouteRule.matches), which the objects' own order does not give.
// A request that none of a non-empty list matches gets 404.
type Route struct {
	// Object is the HTTPRoute or GRPCRoute, Rule the index in its spec.rules.
	Object ObjectRef
	Rule   int
	Match  RouteMatch
	// Request and Response change headers.
	Request, Response HeaderChange
	// Redirect answers in place of a backend; then there are no Backends.
	Redirect *Redirect
	Rewrite  *Rewrite
	Mirrors  []Mirror
	// Backends share requests by weight. None, or weights that are all 0, answer 500.
	Backends []Backend
	// Timeout is that of the whole request, BackendTimeout of one attempt; 0 is none.
	Timeout, BackendTimeout time.Duration
	// Retry is nil where the defaults of semantics 9.6 hold.
	Retry *Retry
	// GRPC says that a GRPCRoute gave it.
	GRPC bool
}

// RouteMatch is what a request must have, all of it.
type RouteMatch struct {
	Path    PathMatch
	Method  string // "" is any
	Headers []ValueMatch
	Query   []ValueMatch
}

// PathKind says how a path is compared.
type PathKind uint8

// The kinds; PathPrefix is by whole elements: /a takes /a and /a/b, and not /ab.
const (
	PathPrefix PathKind = iota
	PathExact
	PathRegex
)

// PathMatch is one comparison of the path.
type PathMatch struct {
	Kind  PathKind
	Value string
}

// ValueMatch compares one header (lower case) or query parameter.
type ValueMatch struct {
	Name, Value string
	Regex       bool
}

// HeaderChange sets, adds and removes headers, in this order.
type HeaderChange struct {
	Set, Add []HeaderValue
	Remove   []string
}

// HeaderValue is one header; Value is literal.
type HeaderValue struct{ Name, Value string }

// PathChange replaces the whole path, or the prefix that matched; nil in its holder
// is no change.
type PathChange struct {
	Prefix bool
	Value  string
}

// Redirect is a RequestRedirect; zero parts stay as in the request.
type Redirect struct {
	Scheme, Host string
	Port         uint32
	Path         *PathChange
	Status       uint32
}

// Rewrite is a URLRewrite.
type Rewrite struct {
	Host string
	Path *PathChange
}

// Mirror sends a copy of Numerator in Denominator requests, and drops the answers.
type Mirror struct {
	To                     BackendTarget
	Numerator, Denominator uint32
}

// Backend is one that requests go to.
type Backend struct {
	To                BackendTarget
	Weight            uint32
	Request, Response HeaderChange
}

// BackendTarget is a port of a service. Broken says that the reference is not to be
// followed (it does not exist, or is not permitted): its share answers 500.
type BackendTarget struct {
	Key    Key
	Port   uint32
	Broken bool
}

// Retry repeats requests that failed.
type Retry struct {
	Attempts uint32 // beside the first
	// Codes are statuses to repeat for, sorted.
	Codes []uint32
	// Backoff is the least pause before the second attempt; 0 is Envoy's 25 ms.
	Backoff time.Duration
}
