package admit

import (
	"math"
	"time"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// pool checks 2.5.
func (r *report) pool(p path, c *v1alpha1.ConnectionPool) {
	if c.TCP == nil && c.HTTP == nil {
		r.invalid(p, "is empty; write tcp or http, or remove it")
	}
	if t := c.TCP; t != nil {
		at := p.child("tcp")
		r.count(at.child("maxConnections"), t.MaxConnections)
		r.duration(at.child("connectTimeout"), t.ConnectTimeout, time.Millisecond)
		r.keepalive(at.child("tcpKeepalive"), t.TCPKeepalive)
		r.duration(at.child("maxConnectionDuration"), t.MaxConnectionDuration, time.Millisecond)
		r.duration(at.child("idleTimeout"), t.IdleTimeout, 0)
	}
	if c.HTTP != nil {
		r.http(p.child("http"), c.HTTP)
	}
}

func (r *report) http(p path, h *v1alpha1.HTTPSettings) {
	r.count(p.child("http1MaxPendingRequests"), h.HTTP1MaxPendingRequests)
	r.count(p.child("http2MaxRequests"), h.HTTP2MaxRequests)
	r.count(p.child("maxRequestsPerConnection"), h.MaxRequestsPerConnection)
	r.count(p.child("maxRetries"), h.MaxRetries)
	r.count(p.child("maxConcurrentStreams"), h.MaxConcurrentStreams)
	r.duration(p.child("idleTimeout"), h.IdleTimeout, time.Millisecond)
	r.oneOf(p.child("h2UpgradePolicy"), h.H2UpgradePolicy, "DEFAULT", "DO_NOT_UPGRADE", "UPGRADE")
	if h.H2UpgradePolicy == "UPGRADE" && h.UseClientProtocol {
		r.invalid(p.child("useClientProtocol"), "not together with h2UpgradePolicy UPGRADE; keep one of them")
	}
	if k := h.HTTP2KeepAlive; k != nil {
		r.required(p.child("http2KeepAlive", "interval"), k.Interval)
		r.required(p.child("http2KeepAlive", "timeout"), k.Timeout)
	}
}

func (r *report) required(p path, d *v1alpha1.Duration) {
	if d == nil {
		r.invalid(p, "is missing; write a duration, such as \"10s\"")
	}
	r.duration(p, d, time.Millisecond)
}

func (r *report) count(p path, n *int32) { between(r, p, n, 0, math.MaxInt32) }

func (r *report) keepalive(p path, k *v1alpha1.TCPKeepalive) {
	if k == nil {
		return
	}
	between(r, p.child("probes"), k.Probes, 0, maxKeepaliveProbes)
	r.keepaliveTime(p.child("time"), k.Time)
	r.keepaliveTime(p.child("interval"), k.Interval)
}

// Linux's bounds: beyond them no connection could be made at all.
const (
	maxKeepaliveProbes = 127
	maxKeepaliveTime   = 32767 * time.Second
)

func (r *report) keepaliveTime(p path, d *v1alpha1.Duration) {
	r.duration(p, d, time.Millisecond)
	if d == nil {
		return
	}
	if length, err := time.ParseDuration(string(*d)); err == nil && length > maxKeepaliveTime {
		r.invalid(p, "%q is too long: at most 32767s", clip(string(*d)))
	}
}

// maxErrorCodes is all that there are.
const maxErrorCodes = 500

// outliers checks 2.6 and the fields that are new there.
func (r *report) outliers(p path, o *v1alpha1.OutlierDetection) {
	if o.ConsecutiveErrors != nil {
		r.add(model.Info, model.NoEffect, p.child("consecutiveErrors"),
			"is deprecated and ignored; write consecutive5xxErrors or consecutiveGatewayErrors")
	}
	between(r, p.child("consecutive5xxErrors"), o.Consecutive5xxErrors, 0, maxUint32)
	between(r, p.child("consecutiveGatewayErrors"), o.ConsecutiveGatewayErrors, 0, maxUint32)
	between(r, p.child("consecutiveLocalOriginFailures"), o.ConsecutiveLocalOriginFailures, 0, maxUint32)
	if o.ConsecutiveLocalOriginFailures != nil && !o.SplitExternalLocalOriginErrors {
		r.invalid(p.child("consecutiveLocalOriginFailures"), "needs splitExternalLocalOriginErrors: true")
	}
	r.duration(p.child("interval"), o.Interval, time.Millisecond)
	r.duration(p.child("baseEjectionTime"), o.BaseEjectionTime, time.Millisecond)
	between(r, p.child("maxEjectionPercent"), o.MaxEjectionPercent, 0, 100)
	between(r, p.child("minHealthPercent"), o.MinHealthPercent, 0, 100)
	codes := p.child("outlierDetectionHttpErrorCodes")
	if r.atMost(codes, len(o.OutlierDetectionHTTPErrorCodes), maxErrorCodes) {
		for i, code := range o.OutlierDetectionHTTPErrorCodes {
			between(r, codes.index(i), &code, 100, 599)
		}
	}
	r.duration(p.child("maxEjectionTime"), o.MaxEjectionTime, time.Millisecond)
	r.duration(p.child("maxEjectionTimeJitter"), o.MaxEjectionTimeJitter, 0)
	r.ejectors(p, o)
}

func (r *report) ejectors(p path, o *v1alpha1.OutlierDetection) {
	if s := o.SuccessRate; s != nil {
		at := p.child("successRate")
		between(r, at.child("minimumHosts"), s.MinimumHosts, 0, maxUint32)
		between(r, at.child("requestVolume"), s.RequestVolume, 0, maxUint32)
		between(r, at.child("stdevFactor"), s.StdevFactor, 0, maxUint32)
	}
	if f := o.FailurePercentage; f != nil {
		at := p.child("failurePercentage")
		between(r, at.child("threshold"), f.Threshold, 1, 100)
		between(r, at.child("minimumHosts"), f.MinimumHosts, 0, maxUint32)
		between(r, at.child("requestVolume"), f.RequestVolume, 0, maxUint32)
	}
	if o.MaxEjectionTime == nil {
		return
	}
	base := v1alpha1.Duration("30s")
	if o.BaseEjectionTime != nil {
		base = *o.BaseEjectionTime
	}
	longest, err := time.ParseDuration(string(*o.MaxEjectionTime))
	least, baseErr := time.ParseDuration(string(base))
	if err == nil && baseErr == nil && longest >= time.Millisecond && longest < least {
		r.invalid(p.child("maxEjectionTime"), "%q is shorter than baseEjectionTime, which is %q", *o.MaxEjectionTime, base)
	}
}
