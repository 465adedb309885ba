package admin

import (
	"github.com/prometheus/client_golang/prometheus"
)

// collector counts at scrape time what the sources know then.
type collector struct {
	problems, skipped, refused *prometheus.Desc
	sources                    Sources
}

// Collector exposes coastwise_problems{severity,reason},
// coastwise_skipped_objects{kind} and coastwise_refused_objects{state}.
func Collector(s Sources) prometheus.Collector {
	return collector{
		problems: prometheus.NewDesc("coastwise_problems",
			"Problems on users' objects.", []string{"severity", "reason"}, nil),
		skipped: prometheus.NewDesc("coastwise_skipped_objects",
			"Objects of kinds that are somebody else's.", []string{"kind"}, nil),
		refused: prometheus.NewDesc("coastwise_refused_objects",
			"Objects not in use as written: held acts in its former form, absent only by its allowedRegions.",
			[]string{"state"}, nil),
		sources: s,
	}
}

// Describe implements prometheus.Collector.
func (c collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.problems
	ch <- c.skipped
	ch <- c.refused
}

// Collect implements prometheus.Collector.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	type labels struct{ severity, reason string }
	counts := map[labels]int{}
	for _, p := range c.sources.Problems() {
		counts[labels{string(p.Severity), string(p.Reason)}]++
	}
	for l, n := range counts {
		ch <- prometheus.MustNewConstMetric(c.problems, prometheus.GaugeValue, float64(n), l.severity, l.reason)
	}
	for kind, n := range c.sources.Skipped() {
		ch <- prometheus.MustNewConstMetric(c.skipped, prometheus.GaugeValue, float64(n), kind)
	}
	refused := c.sources.Refused()
	ch <- prometheus.MustNewConstMetric(c.refused, prometheus.GaugeValue, float64(len(refused.Held)), "held")
	ch <- prometheus.MustNewConstMetric(c.refused, prometheus.GaugeValue, float64(len(refused.Absent)), "absent")
}

var _ prometheus.Collector = collector{}
