package status

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	leader  prometheus.GaugeFunc
	writes  *prometheus.CounterVec
	dropped prometheus.Counter
}

func newMetrics(leads func() bool) *metrics {
	return &metrics{
		leader: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "coastwise_leader", Help: "1 if this replica holds the lease, and so writes statuses and Events.",
		}, func() float64 {
			if leads() {
				return 1
			}
			return 0
		}),
		writes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "coastwise_status_writes_total", Help: "Statuses sent to the API server: written, failed, or stale if the object had changed or gone.",
		}, []string{"result"}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "coastwise_events_dropped_total", Help: "Events that were not sent since too many waited.",
		}),
	}
}

func (m *metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.leader, m.writes, m.dropped}
}
