package kube

import "github.com/prometheus/client_golang/prometheus"

// collector asks the source when it is scraped.
type collector struct {
	source                         *Source
	age, objects, reads, forbidden *prometheus.Desc
}

// Collector gives coastwise_input_age_seconds, coastwise_input_objects,
// coastwise_input_reads_total and coastwise_input_forbidden, each by resource.
func (s *Source) Collector() prometheus.Collector {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, []string{"resource"}, nil)
	}
	return collector{
		source:    s,
		age:       desc("coastwise_input_age_seconds", "How old the view of a resource of the API server is: 0 while it is watched and the server is well."),
		objects:   desc("coastwise_input_objects", "Objects that the API server has, as far as is known."),
		reads:     desc("coastwise_input_reads_total", "How often a resource was read as a whole."),
		forbidden: desc("coastwise_input_forbidden", "1 for a resource that the API server has and that we may not read."),
	}
}

// Describe implements prometheus.Collector.
func (c collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.age
	ch <- c.objects
	ch <- c.reads
	ch <- c.forbidden
}

// Collect implements prometheus.Collector.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	for resource, age := range c.source.Age() {
		ch <- prometheus.MustNewConstMetric(c.age, prometheus.GaugeValue, age.Seconds(), resource)
	}
	stats := c.source.Stats()
	for resource, n := range stats.Objects {
		ch <- prometheus.MustNewConstMetric(c.objects, prometheus.GaugeValue, float64(n), resource)
	}
	for _, resource := range stats.Forbidden {
		ch <- prometheus.MustNewConstMetric(c.forbidden, prometheus.GaugeValue, 1, resource)
	}
	for resource, n := range stats.Reads {
		ch <- prometheus.MustNewConstMetric(c.reads, prometheus.CounterValue, float64(n), resource)
	}
}
