package model

import "time"

// ClusterSettings is what a policy says of connections and of ejecting endpoints:
// plain values with every default resolved, so that equal settings are equal by
// reflect.DeepEqual (reference/destination-rule.md 2.2 and 2.5 to 2.8).
type ClusterSettings struct {
	// Outliers is nil where nothing is ejected.
	Outliers *Outliers
	// Pool limits connections and requests.
	Pool Pool
	// Hash is what requests with an equal key have in common; nil unless Algorithm
	// is RingHash or Maglev.
	Hash *Hash
	// TLS is nil where connections are not encrypted.
	TLS *TLS
	// ProxyProtocol is the version of the PROXY header; none where it is empty.
	ProxyProtocol ProxyProtocol
	// Tunnel carries connections inside HTTP; nil is none. Only a TCP listener can: no
	// request is routed to the port.
	Tunnel *Tunnel
	// Warmup is nil where new endpoints get their full share at once, and with
	// other algorithms than LeastRequest and RoundRobin.
	Warmup *Warmup
}

// Hash is one key, and the size of the table that it is looked up in. It acts
// inside the priority and locality that were chosen.
type Hash struct {
	// One of these four is set.
	Header         string
	QueryParameter string
	SourceIP       bool
	Cookie         *Cookie
	// Size is RingHash's least number of entries, or Maglev's table.
	Size uint64
}

// Cookie is made where it is absent, unless TTL is nil; 0 makes a session cookie.
type Cookie struct {
	Name, Path string
	TTL        *time.Duration
	Attributes []CookieAttribute
}

// CookieAttribute is one attribute of a cookie that is made.
type CookieAttribute struct{ Name, Value string }

// Warmup gives a new endpoint Minimum percent of its share at first, all of it
// after Window, by a curve that Aggression bends; 1 is linear.
type Warmup struct {
	Window     time.Duration
	Minimum    float64
	Aggression float64
}

// Pool limits connections and requests; the zero Pool is what holds where nobody
// says anything (semantics 9.6). A nil limit is none.
type Pool struct {
	MaxConnections     *uint32
	MaxPendingRequests *uint32
	MaxRequests        *uint32
	MaxRetries         *uint32
	// RetryBudget takes the place of MaxRetries; nil is none.
	RetryBudget *RetryBudget
	// ConnectTimeout 0 is 10s.
	ConnectTimeout time.Duration
	// Keepalive is nil where idle connections are not probed.
	Keepalive *Keepalive
	// MaxConnectionDuration 0 is no limit.
	MaxConnectionDuration time.Duration
	// IdleTimeout is that of connections with HTTP, TCPIdleTimeout that of a TCP
	// listener; nil is 1h, 0 never.
	IdleTimeout    *time.Duration
	TCPIdleTimeout *time.Duration
	// MaxRequestsPerConnection and MaxConcurrentStreams are not limited by 0.
	MaxRequestsPerConnection uint32
	MaxConcurrentStreams     uint32
	// Upgrade speaks HTTP/2 to endpoints whose port does not declare it;
	// UseClientProtocol speaks what the client spoke.
	Upgrade           Upgrade
	UseClientProtocol bool
	// HTTP2Keepalive pings idle HTTP/2 connections; nil does not.
	HTTP2Keepalive *HTTP2Keepalive
}

// Upgrade says on which ports HTTP/2 is spoken though they do not declare it.
type Upgrade string

// The upgrades: a rule's word holds for its host, the mesh's only where a port
// declares HTTP.
const (
	NoUpgrade      Upgrade = ""
	UpgradeAlways  Upgrade = "always"
	UpgradeOfHTTP1 Upgrade = "http"
)

// Keepalive probes idle connections; nil is the operating system's, Probes or
// Time 0 switches it off. Seconds, since that is what there is.
type Keepalive struct{ Probes, Time, Interval *uint32 }

// HTTP2Keepalive pings idle HTTP/2 connections.
type HTTP2Keepalive struct{ Interval, Timeout time.Duration }

// RetryBudget limits active retries to Percent of active requests, or of those in
// Interval if that is not 0, but always allows MinConcurrency.
type RetryBudget struct {
	Percent        float64
	MinConcurrency uint32
	Interval       time.Duration
}

// Outliers ejects endpoints that answer with errors. A count of 0 is off.
type Outliers struct {
	Consecutive5xx     uint32
	ConsecutiveGateway uint32
	// SplitLocalOrigin counts failed connections apart; ConsecutiveLocalOrigin
	// means something only then.
	SplitLocalOrigin       bool
	ConsecutiveLocalOrigin uint32
	Interval               time.Duration
	BaseEjectionTime       time.Duration
	// MaxEjectionTime 0 is Envoy's: the greater of 300s and BaseEjectionTime.
	MaxEjectionTime    time.Duration
	Jitter             time.Duration
	MaxEjectionPercent uint32
	// ErrorCodes are the statuses that count as errors, sorted, none twice; nil is 500..599.
	ErrorCodes []int32
	// SuccessRate and FailurePercentage are nil where they are off.
	SuccessRate       *SuccessRate
	FailurePercentage *FailurePercentage
}

// SuccessRate ejects below mean − stdev × StdevFactor/1000.
type SuccessRate struct{ MinimumHosts, RequestVolume, StdevFactor uint32 }

// FailurePercentage ejects above Threshold percent.
type FailurePercentage struct{ Threshold, MinimumHosts, RequestVolume uint32 }
