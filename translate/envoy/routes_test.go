package envoy

import (
	"fmt"
	"slices"
	"testing"
	"time"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"

	"github.com/coastwise/coastwise/translate/model"
)

// routesFor builds, validates and decodes.
func routesFor(t *testing.T, namespace string, services ...*model.Service) *routev3.RouteConfiguration {
	t.Helper()
	r := must[Resource](t)(Routes(of(namespace), services))
	if err := Validate(r); err != nil {
		t.Fatal(err)
	}
	if r.Name != RouteName {
		t.Errorf("called %q", r.Name)
	}
	return decoded(t, r, new(routev3.RouteConfiguration))
}

// lookup does what Envoy does with exact domains and "*": a cluster's name, or
// the status of a direct response.
func lookup(c *routev3.RouteConfiguration, host string) string {
	for _, domain := range []string{host, "*"} {
		for _, h := range c.VirtualHosts {
			if !slices.Contains(h.Domains, domain) {
				continue
			}
			if d := h.Routes[0].GetDirectResponse(); d != nil {
				return fmt.Sprint(d.Status)
			}
			return h.Routes[0].GetRoute().GetCluster()
		}
	}
	return ""
}

func service(namespace, name string, ports ...uint32) *model.Service {
	s := &model.Service{Key: model.ServiceKey(namespace, name), Name: name}
	for _, p := range ports {
		s.Ports = append(s.Ports, model.Port{Number: p})
	}
	return s
}

func TestRoutesByHost(t *testing.T) {
	c := routesFor(t, "a", service("a", "both", 80, 9000), service("a", "many", 81, 9000), service("a", "one", 8080),
		service("b", "one", 80), service("b", "portless"))
	const both, one, other = "both.a.svc.cluster.local", "one.a.svc.cluster.local", "one.b.svc.cluster.local"
	for host, want := range map[string]string{
		// every name with every port
		both + ":80": "outbound|80||" + both, both + ":9000": "outbound|9000||" + both,
		"both.a.svc:9000": "outbound|9000||" + both, "both.a:9000": "outbound|9000||" + both, "both:9000": "outbound|9000||" + both,
		// no port: 80 if served
		both: "outbound|80||" + both, "both.a.svc": "outbound|80||" + both, "both.a": "outbound|80||" + both, "both": "outbound|80||" + both,
		// no port: else the only one
		one: "outbound|8080||" + one, "one": "outbound|8080||" + one, "one.a": "outbound|8080||" + one,
		// no port: else 404
		"many": "404", "many.a.svc": "404", "many:81": "outbound|81||many.a.svc.cluster.local",
		// the bare name is the client's own namespace's
		"one.b": "outbound|80||" + other, "one:80": "502", "one.b:80": "outbound|80||" + other,
		// nothing of this name and port
		"nobody": "502", "both:81": "502", "nobody.a:80": "502", "10.0.0.1": "502", "portless.b": "502",
	} {
		if got := lookup(c, host); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
}

// A client of a third namespace has no bare names at all.
func TestRoutesBareNamesAreTheClients(t *testing.T) {
	services := []*model.Service{service("a", "one", 80), service("b", "one", 80)}
	for namespace, want := range map[string]string{
		"a": "outbound|80||one.a.svc.cluster.local", "b": "outbound|80||one.b.svc.cluster.local", "c": "502",
	} {
		if got := lookup(routesFor(t, namespace, services...), "one"); got != want {
			t.Errorf("client of %s: %q, want %q", namespace, got, want)
		}
	}
}

func TestRouteDefaults(t *testing.T) {
	c := routesFor(t, "a", service("a", "one", 80))
	action := c.VirtualHosts[0].Routes[0].GetRoute()
	if action.Timeout == nil || action.Timeout.AsDuration() != time.Duration(0) {
		t.Errorf("timeout %v, want an explicit 0", action.Timeout)
	}
	retry := action.GetRetryPolicy()
	if retry.GetRetryOn() != "connect-failure,refused-stream,reset-before-request" || retry.GetNumRetries().GetValue() != 2 {
		t.Errorf("retries: %v", retry)
	}
	if len(retry.GetRetryHostPredicate()) != 1 || retry.RetryHostPredicate[0].Name != "envoy.retry_host_predicates.previous_hosts" {
		t.Errorf("predicates: %v", retry.GetRetryHostPredicate())
	}
	if c.ValidateClusters == nil || c.ValidateClusters.Value {
		t.Errorf("validate_clusters %v", c.ValidateClusters)
	}
	if c.IgnorePortInHostMatching {
		t.Error("ports in Host are ignored")
	}
}

// Two claims on one domain: the first in key order keeps it, and the table stays
// one that Envoy takes.
func TestRoutesRepeatedDomain(t *testing.T) {
	entry := service("b", "x", 80, 81)
	entry.Host = "x.a.svc.cluster.local"
	entry.Namespace = "b"
	c := routesFor(t, "a", service("a", "x", 80), entry)
	for host, want := range map[string]string{
		"x.a.svc.cluster.local:80": "outbound|80||x.a.svc.cluster.local",
		"x.a.svc.cluster.local:81": "outbound|81||x.a.svc.cluster.local",
		"x.a.svc.cluster.local":    "outbound|80||x.a.svc.cluster.local",
		"x":                        "outbound|80||x.a.svc.cluster.local",
		"x.b":                      "502",
	} {
		if got := lookup(c, host); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
	if got := len(routesFor(t, "a", service("a", "x", 80), service("a", "x", 80)).VirtualHosts); got != 2 {
		t.Errorf("%d virtual hosts, want the service's and the unknown one", got)
	}
}

func TestRoutesOfTenThousandServices(t *testing.T) {
	c := routesFor(t, "default", many(10_000)...)
	if got, want := len(c.VirtualHosts), 10_001; got != want {
		t.Errorf("%d virtual hosts, want %d", got, want)
	}
	if got, want := lookup(c, "s09999"), "outbound|80||s09999.default.svc.cluster.local"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestRoutesOfNothing(t *testing.T) {
	if got := lookup(routesFor(t, "a"), "x"); got != "502" {
		t.Errorf("%q, want 502", got)
	}
}

func BenchmarkRoutes(b *testing.B) {
	services := many(10_000)
	r := must[Resource](b)(Routes(of("default"), services))
	b.Run("encode", func(b *testing.B) {
		for b.Loop() {
			must[Resource](b)(Routes(of("default"), services))
		}
		b.ReportMetric(float64(len(r.Body)), "bytes")
	})
	b.Run("validate", func(b *testing.B) {
		for b.Loop() {
			if err := Validate(r); err != nil {
				b.Fatal(err)
			}
		}
	})
}
