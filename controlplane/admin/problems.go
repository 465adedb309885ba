package admin

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/coastwise/coastwise/translate/model"
)

// collector counts at scrape time what the sources know then.
type collector struct {
	problems, dropped, skipped, refused *prometheus.Desc
	sources                             Sources
}

// Collector exposes coastwise_problems{severity,reason},
// coastwise_hints_dropped{safeguard}, coastwise_skipped_objects{kind} and
// coastwise_refused_objects{state}.
func Collector(s Sources) prometheus.Collector {
	return collector{
		problems: prometheus.NewDesc("coastwise_problems",
			"Problems on users' objects.", []string{"severity", "reason"}, nil),
		dropped: prometheus.NewDesc("coastwise_hints_dropped",
			"Services that asked for hints and are one flat pool for some client, by the safeguard.", []string{"safeguard"}, nil),
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
	ch <- c.dropped
	ch <- c.skipped
	ch <- c.refused
}

// Collect implements prometheus.Collector.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	type labels struct{ severity, reason string }
	counts := map[labels]int{}
	type drop struct {
		object    model.ObjectRef
		safeguard model.Safeguard
	}
	services := map[drop]bool{}
	for _, p := range c.sources.Problems() {
		counts[labels{string(p.Severity), string(p.Reason)}]++
		if p.Reason == model.HintsDropped {
			services[drop{p.Object, p.Safeguard}] = true
		}
	}
	dropped := map[model.Safeguard]int{}
	for d := range services {
		dropped[d.safeguard]++
	}
	for safeguard, n := range dropped {
		ch <- prometheus.MustNewConstMetric(c.dropped, prometheus.GaugeValue, float64(n), string(safeguard))
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
