package model

import (
	"fmt"
	"slices"
	"strings"
)

// Form is that of the proxy's resources.
func (p Proxy) Form() Form {
	switch {
	case p.Kind == GRPC:
		return GRPCForm
	case p.Kind == Waypoint && p.HBONE:
		return HBONE
	}
	return Plain
}

// Blocks says where the parts of a policy stand in the object that sets them, for
// Problems; a zero Place is one that nobody wrote.
type Blocks struct {
	LoadBalancer, ConnectionPool, OutlierDetection, RetryBudget, TLS, ProxyProtocol, Tunnel Place
}

// For is the policy as clients of one form have it. For gRPC clients what they
// cannot do is replaced by the nearest that they can, or left out (semantics 9.5,
// reference/xds.md 6); Cannot tells of it.
func (p Policy) For(f Form) Policy {
	if f != GRPCForm {
		return p
	}
	switch p.Algorithm {
	case LeastRequest, RoundRobin:
	case RingHash:
		if !p.Cluster.Hash.ofGRPC() {
			p.Algorithm, p.Cluster.Hash = RoundRobin, nil
		}
	default:
		p.Algorithm, p.Cluster.Hash = RoundRobin, nil
	}
	p.Cluster.Warmup = nil
	p.Cluster.Outliers = p.Cluster.Outliers.ofGRPC()
	p.Cluster.Pool = Pool{MaxRequests: p.Cluster.Pool.MaxRequests}
	return p
}

// ofGRPC says that gRPC clients have the key: of a request they know its headers,
// and of its origin the channel.
func (h *Hash) ofGRPC() bool { return h != nil && (h.Header != "" || h.SourceIP) }

// ofGRPC keeps the two ways of ejecting that gRPC clients have; nil if neither is on.
func (o *Outliers) ofGRPC() *Outliers {
	if o == nil || o.SuccessRate == nil && o.FailurePercentage == nil {
		return nil
	}
	return &Outliers{
		Interval: o.Interval, BaseEjectionTime: o.BaseEjectionTime, MaxEjectionTime: o.MaxEjectionTime,
		MaxEjectionPercent: o.MaxEjectionPercent,
		SuccessRate:        o.SuccessRate, FailurePercentage: o.FailurePercentage,
	}
}

// Withheld says what of a service, under one of its policies, clients of one form
// cannot do that must not be left out, since requests would go where, or as, they must
// not, and where that is written; "" if nothing. Such clients get no cluster.
func (s *Service) Withheld(p Policy, f Form) (at Place, what string) {
	switch {
	case f != GRPCForm:
	case s.Resolution != Static:
		return Place{s.Object, "spec.resolution"}, "take endpoints from elsewhere than this control plane"
	case p.Cluster.TLS != nil:
		return p.At.TLS, "encrypt by a rule's tls: they take certificates from their own bootstrap only"
	case p.Cluster.ProxyProtocol != NoProxyProtocol:
		return p.At.ProxyProtocol, "send a PROXY header"
	case p.Cluster.Tunnel != nil:
		return p.At.Tunnel, "go through a tunnel"
	}
	return Place{}, ""
}

// Cannot tells what of a service, under one of its policies, clients of one form do not
// do (semantics 10, ClientCannot), of blocks that somebody wrote.
func (s *Service) Cannot(p Policy, f Form) []Problem {
	if f != GRPCForm {
		return nil
	}
	if at, what := s.Withheld(p, f); what != "" {
		return []Problem{cannot(at, Warning, "gRPC clients cannot "+what+"; they get no cluster, since requests must not go without it")}
	}
	out := s.unrouted()
	tell := func(at Place, format string, args ...any) {
		if at != (Place{}) {
			out = append(out, cannot(at, Info, "gRPC clients "+fmt.Sprintf(format, args...)))
		}
	}
	if strings.HasPrefix(s.Host, "*.") {
		tell(Place{s.Object, s.HostField}, "ask for one service by its full name: no host below %s is served to them", s.Host[2:])
	}
	switch as := p.For(f).Algorithm; {
	case as == p.Algorithm:
	case p.Algorithm == RingHash:
		tell(p.At.LoadBalancer, "hash by headers, or by their channel in place of the source address, and by nothing else: here they use %s", as)
	default:
		tell(p.At.LoadBalancer, "have no %s: they use %s", p.Algorithm, as)
	}
	if p.Cluster.Warmup != nil {
		tell(p.At.LoadBalancer, "do not warm endpoints up")
	}
	if lost := p.Cluster.Outliers.lost(); len(lost) > 0 {
		tell(p.At.OutlierDetection, "eject by successRate and failurePercentage only, and do not know %s", strings.Join(lost, ", "))
	}
	if lost := p.Cluster.Pool.lost(); len(lost) > 0 {
		tell(p.At.ConnectionPool, "limit http.http2MaxRequests only, and do not know %s", strings.Join(lost, ", "))
	}
	if p.Cluster.Pool.RetryBudget != nil {
		tell(p.At.RetryBudget, "repeat only what no endpoint has begun to serve, without a budget")
	}
	return out
}

// unrouted tells of the routes that gRPC clients do not get: they send all requests to
// the service's own endpoints.
func (s *Service) unrouted() []Problem {
	var out []Problem
	for _, port := range s.Ports {
		for i := range port.Routes {
			p := cannot(Place{port.Routes[i].Object, "spec.rules"}, Warning,
				"gRPC clients get no routes: they send all requests to "+s.Host+" to its own endpoints")
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out
}

func cannot(at Place, s Severity, message string) Problem {
	return Problem{Object: at.Object, Field: at.Field, Severity: s, Reason: ClientCannot, Message: message}
}

// word is a field's name, if it is set.
type word struct {
	name string
	set  bool
}

func set(words ...word) []string {
	var out []string
	for _, w := range words {
		if w.set {
			out = append(out, w.name)
		}
	}
	return out
}

// lost are the fields that mean nothing to gRPC clients.
func (o *Outliers) lost() []string {
	if o == nil {
		return nil
	}
	return set(
		word{"consecutive5xxErrors", o.Consecutive5xx > 0},
		word{"consecutiveGatewayErrors", o.ConsecutiveGateway > 0},
		word{"splitExternalLocalOriginErrors", o.SplitLocalOrigin},
		word{"maxEjectionTimeJitter", o.Jitter > 0},
		word{"outlierDetectionHttpErrorCodes", len(o.ErrorCodes) > 0},
	)
}

// lost are the fields that mean nothing to gRPC clients, which keep one connection
// to an endpoint, speak HTTP/2, and end requests by their own deadlines.
func (p Pool) lost() []string {
	return set(
		word{"tcp.maxConnections", p.MaxConnections != nil},
		word{"tcp.connectTimeout", p.ConnectTimeout > 0},
		word{"tcp.tcpKeepalive", p.Keepalive != nil},
		word{"tcp.maxConnectionDuration", p.MaxConnectionDuration > 0},
		word{"tcp.idleTimeout", p.TCPIdleTimeout != nil},
		word{"http.http1MaxPendingRequests", p.MaxPendingRequests != nil},
		word{"http.maxRetries", p.MaxRetries != nil},
		word{"http.idleTimeout", p.IdleTimeout != nil && p.IdleTimeout != p.TCPIdleTimeout},
		word{"http.maxRequestsPerConnection", p.MaxRequestsPerConnection > 0},
		word{"http.maxConcurrentStreams", p.MaxConcurrentStreams > 0},
		word{"http.http2KeepAlive", p.HTTP2Keepalive != nil},
	)
}
