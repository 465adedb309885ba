package snapshot

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the Hub's own.
type Metrics struct {
	publishes    prometheus.Counter
	services     prometheus.Gauge
	delay        prometheus.Histogram
	buildFailed  prometheus.Counter
	differs      *prometheus.CounterVec
	unknownPlace prometheus.Counter
}

func newMetrics() *Metrics {
	return &Metrics{
		publishes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "coastwise_publishes_total", Help: "Snapshots published.",
		}),
		services: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "coastwise_services", Help: "Services in the newest snapshot.",
		}),
		delay: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "coastwise_publish_delay_seconds", Help: "From an object's change to the snapshot with it.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
		buildFailed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "coastwise_build_failures_total", Help: "Rebuilds that failed: the last form stayed.",
		}),
		differs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "coastwise_claims_differ_total", Help: "Claims of proxies that differ from their Node or Pod.",
		}, []string{"claim"}),
		unknownPlace: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "coastwise_proxy_locality_unknown_total", Help: "Proxies in a region or zone that no Node has.",
		}),
	}
}

// Collectors are what the admin registry exposes of the Hub.
func (h *Hub) Collectors() []prometheus.Collector {
	m := h.metrics
	return []prometheus.Collector{m.publishes, m.services, m.delay, m.buildFailed, m.differs, m.unknownPlace}
}

// published counts one publish; since is the oldest change in it.
func (m *Metrics) published(s *Snapshot, since time.Time) {
	m.publishes.Inc()
	m.services.Set(float64(len(s.Entries)))
	if !since.IsZero() {
		m.delay.Observe(time.Since(since).Seconds())
	}
}
