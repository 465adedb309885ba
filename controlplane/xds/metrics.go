package xds

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
	"github.com/coastwise/coastwise/translate/workload"
)

// Metrics are the figures of the stream server, by short type name (Secret, Cluster,
// ClusterLoadAssignment, Listener, RouteConfiguration, Address, Authorization, or other).
type Metrics struct {
	pushes      *prometheus.CounterVec
	resources   *prometheus.CounterVec
	bytes       *prometheus.CounterVec
	nacks       *prometheus.CounterVec
	convergence *prometheus.HistogramVec
	proxies     *prometheus.GaugeVec
	panics      prometheus.Counter
	stalls      prometheus.Counter
	refused     *prometheus.CounterVec
	throttled   prometheus.Counter
	shrinks     prometheus.Counter
	handshakes  prometheus.Counter
}

// NewMetrics makes the collectors and registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	byType := []string{"type"}
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, byType)
	}
	m := &Metrics{
		pushes:    counter("coastwise_pushes_total", "Responses sent to proxies."),
		resources: counter("coastwise_push_resources_total", "Resources in responses sent to proxies."),
		bytes:     counter("coastwise_push_bytes_total", "Bytes of resource bodies sent to proxies."),
		nacks:     counter("coastwise_nacks_total", "Responses refused by proxies."),
		convergence: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "coastwise_convergence_seconds", Help: "From a change's event to its acknowledgement by a proxy, per proxy.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20},
		}, byType),
		proxies: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "coastwise_proxies", Help: "Connected proxies.",
		}, []string{"kind"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "coastwise_stream_panics_total", Help: "Streams closed by a panic of ours.",
		}),
		stalls: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "coastwise_stream_stalls_total", Help: "Connections closed because the client did not read.",
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "coastwise_streams_refused_total", Help: "Streams that were refused at their beginning; of reason connections also connections closed unread.",
		}, []string{"reason"}),
		throttled: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "coastwise_streams_throttled_total", Help: "Streams ended because the client sent too many requests for too long.",
		}),
		shrinks: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "coastwise_mass_removals_total", Help: "Times that a proxy was to lose more than half of its clusters, and more than fit one response.",
		}),
	}
	m.handshakes = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "coastwise_handshakes_failed_total", Help: "Connections whose TLS handshake failed.",
	})
	reg.MustRegister(m.refused, m.throttled, m.shrinks, m.handshakes)
	for _, reason := range refusals() {
		m.refused.WithLabelValues(reason)
	}
	reg.MustRegister(m.pushes, m.resources, m.bytes, m.nacks, m.convergence, m.proxies, m.panics, m.stalls)
	for _, k := range []model.Kind{model.Sidecar, model.Gateway, model.Waypoint, model.GRPC, model.Ztunnel} {
		m.proxies.WithLabelValues(string(k))
	}
	for _, url := range served() {
		for _, v := range []*prometheus.CounterVec{m.pushes, m.resources, m.bytes, m.nacks} {
			v.WithLabelValues(ShortType(url))
		}
	}
	return m
}

func served() []string {
	return []string{
		envoy.SecretType, envoy.ClusterType, envoy.EndpointType, envoy.ListenerType, envoy.RouteType,
		workload.AddressType, workload.AuthorizationType,
	}
}

// label keeps a client from inventing series.
func label(url string) string {
	if slices.Contains(served(), url) {
		return ShortType(url)
	}
	return "other"
}

func (m *Metrics) sent(r Response) {
	name := label(r.TypeURL)
	m.pushes.WithLabelValues(name).Inc()
	m.resources.WithLabelValues(name).Add(float64(len(r.Resources)))
	bytes := 0
	for _, res := range r.Resources {
		bytes += len(res.Body)
	}
	m.bytes.WithLabelValues(name).Add(float64(bytes))
}

func (m *Metrics) answered(r Result, now time.Time) {
	if r.Nacked != "" {
		m.nacks.WithLabelValues(label(r.Nacked)).Inc()
	}
	for _, c := range r.Converged {
		m.convergence.WithLabelValues(label(c.TypeURL)).Observe(now.Sub(c.Since).Seconds())
	}
}
