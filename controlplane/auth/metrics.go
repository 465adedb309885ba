package auth

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the figures of this package.
type Metrics struct {
	unverified *prometheus.CounterVec
	reviews    *prometheus.CounterVec
}

// NewMetrics makes the figures; Collectors are to be registered.
func NewMetrics() *Metrics {
	m := &Metrics{
		unverified: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "coastwise_unverified_total", Help: "Connections, streams and requests of peers that did not prove who they are.",
		}, []string{"reason"}),
		reviews: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "coastwise_token_reviews_total", Help: "Reviews of tokens that the API server was asked for.",
		}, []string{"result"}),
	}
	for _, reason := range reasons() {
		m.unverified.WithLabelValues(string(reason))
	}
	for _, result := range []string{"good", "bad", "unavailable"} {
		m.reviews.WithLabelValues(result)
	}
	return m
}

// Collectors are the figures for a registry.
func (m *Metrics) Collectors() []prometheus.Collector {
	return []prometheus.Collector{m.unverified, m.reviews}
}

func (m *Metrics) refused(err error) {
	if refusal, ok := errors.AsType[*Error](err); ok {
		m.unverified.WithLabelValues(string(refusal.Reason)).Inc()
	}
}

func (m *Metrics) reviewed(result string) { m.reviews.WithLabelValues(result).Inc() }

var (
	expiryDesc = prometheus.NewDesc("coastwise_certificate_expiry_seconds",
		"Unix time at which the first certificate in a TLS file expires.", []string{"role"}, nil)
	brokenDesc = prometheus.NewDesc("coastwise_certificate_broken",
		"1 if the newest TLS files cannot be used and former ones are.", []string{"role"}, nil)
	readsDesc = prometheus.NewDesc("coastwise_certificate_reloads_total",
		"How often TLS files were read again and used.", []string{"role"}, nil)
)

// Describe implements prometheus.Collector.
func (k *Keys) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{expiryDesc, brokenDesc, readsDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (k *Keys) Collect(ch chan<- prometheus.Metric) {
	for _, s := range k.states() {
		broken := 0.0
		if s.broken {
			broken = 1
		}
		expiry := float64(s.expiry.UnixNano()) / float64(time.Second)
		ch <- prometheus.MustNewConstMetric(expiryDesc, prometheus.GaugeValue, expiry, s.role)
		ch <- prometheus.MustNewConstMetric(brokenDesc, prometheus.GaugeValue, broken, s.role)
		ch <- prometheus.MustNewConstMetric(readsDesc, prometheus.CounterValue, float64(s.reads), s.role)
	}
}
