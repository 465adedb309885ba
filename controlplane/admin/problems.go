package admin

import (
	"github.com/prometheus/client_golang/prometheus"
)

// collector counts at scrape time what the sources know then.
type collector struct {
	problems, skipped *prometheus.Desc
	sources           Sources
}

// Collector exposes coastwise_problems{severity,reason} and
// coastwise_skipped_objects{kind}.
func Collector(s Sources) prometheus.Collector {
	return collector{
		problems: prometheus.NewDesc("coastwise_problems",
			"Problems on users' objects.", []string{"severity", "reason"}, nil),
		skipped: prometheus.NewDesc("coastwise_skipped_objects",
			"Objects of kinds that are somebody else's.", []string{"kind"}, nil),
		sources: s,
	}
}

// Describe implements prometheus.Collector.
func (c collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.problems
	ch <- c.skipped
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
}

var _ prometheus.Collector = collector{}
