package waypoint

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/coastwise/coastwise/e2e/manifest"
)

// layout is how many endpoints a service has in each zone.
type layout struct{ ready, unready [3]int }

// drawLayout has a ready endpoint at least.
func drawLayout(r *rand.Rand) layout {
	var l layout
	for total := 0; total == 0; {
		for zone := range places {
			l.ready[zone], l.unready[zone] = r.IntN(perZone+1), max(0, r.IntN(5)-2)
			total += l.ready[zone]
		}
	}
	return l
}

// key is what a hash policy goes by.
type key int

// The keys; noKey is a service whose shares are judged.
const (
	noKey key = iota
	byHeader
	bySource
)

// svc is one service as it was drawn.
type svc struct {
	name, kind string
	// host and port are how clients know it, vip how connections find it.
	host, vip string
	port      int
	tcp       bool
	key       key
	// alone says that requests come one after the other: what least request makes of
	// different weights is predicted for that.
	alone bool
	// backends are the services that its route shares requests among, with their weights.
	backends map[string]int
	text     string
}

// cluster is what translate calls its endpoints.
func (s svc) cluster() string { return clusterOf(s.host, s.port) }

func clusterOf(host string, port int) string { return fmt.Sprintf("outbound|%d||%s", port, host) }

// at is VIP:PORT.
func (s svc) at() string { return fmt.Sprintf("%s:%d", s.vip, s.port) }

// authority is HOST:PORT.
func (s svc) authority() string { return fmt.Sprintf("%s:%d", s.host, s.port) }

// drawKinds are the policies that every draw has; what is in them is random.
var drawKinds = []string{
	"default", "simple", "simple", "simple tcp", "weights", "weights tcp", "distribute", "distribute tcp",
	"failover", "failover tcp", "outliers", "outliers tcp", "ring hash", "maglev", "source tcp",
	"sameZone", "labels", "setting", "route", "route",
}

// drawServices writes 20 services into one text.
func (m *mesh) drawServices(r *rand.Rand) []svc {
	var out []svc
	for n, kind := range drawKinds {
		s := svc{name: fmt.Sprintf("svc%d", n), kind: kind, vip: fmt.Sprintf("10.96.0.%d", 10+n), port: 80, tcp: strings.HasSuffix(kind, "tcp")}
		s.host = s.name + ".default.svc.cluster.local"
		m.draw(r, &s, out)
		out = append(out, s)
	}
	return out
}

// draw fills in a service; before are those that it may route to.
func (m *mesh) draw(r *rand.Rand, s *svc, before []svc) {
	l, protocol, podPort, extra, policy := drawLayout(r), "http", httpPort, "", ""
	if s.tcp {
		protocol, podPort, s.port = "tcp", tcpPort, 9000
	}
	switch strings.TrimSuffix(s.kind, " tcp") {
	case "weights":
		s.host = hostOfEntry(s.name)
		weights := []int{1 + r.IntN(5), 1 + r.IntN(5), 1 + r.IntN(20)}
		s.alone = true
		policy, _ = drawPolicy(r, pick(r, "simple", "distribute"))
		s.text = manifest.Join(m.entry(s.name, s.vip, s.port, strings.ToUpper(protocol), podPort, l, weights),
			manifest.Rule("default", s.name, s.host, policy))
		return
	case "sameZone":
		extra = "  trafficDistribution: PreferClose\n"
	case "route":
		one, two := before[r.IntN(3)], before[12+r.IntN(2)]
		if r.IntN(2) == 0 {
			two = before[6]
		}
		weight := 1 + r.IntN(9)
		s.backends = map[string]int{one.name: weight, two.name: 10 - weight}
		extra = "---\n" + splitRoute(s.name, s.port, one.name, two.name, weight, 10-weight)
	default:
		policy, s.key = drawPolicy(r, s.kind)
	}
	documents := []string{service(s.name, s.vip, s.port, protocol) + extra, m.slice(s.name, podPort, l)}
	if policy != "" {
		documents = append(documents, manifest.Rule("default", s.name, s.name, policy))
	}
	s.text = manifest.Join(documents...)
}

// drawPolicy is a trafficPolicy of a kind, "" for none.
func drawPolicy(r *rand.Rand, kind string) (string, key) {
	const tiers = "{loadBalancer: {localityLbSetting: {enabled: true, failover: [{from: eu, to: us}, {from: us, to: eu}]}}%s}"
	switch strings.TrimSuffix(kind, " tcp") {
	case "simple":
		return "{loadBalancer: {simple: " + pick(r, "RANDOM", "ROUND_ROBIN", "LEAST_REQUEST") + "}}", noKey
	case "distribute":
		first := 5 + r.IntN(60)
		second := 5 + r.IntN(90-first)
		return fmt.Sprintf("{loadBalancer: {simple: %s, localityLbSetting: {distribute: [{from: '*', to: {eu/eu-1: %d, eu/eu-2: %d, us: %d}}]}}}",
			pick(r, "RANDOM", "ROUND_ROBIN", "LEAST_REQUEST"), first, second, 100-first-second), noKey
	case "failover":
		return fmt.Sprintf(tiers, ""), noKey
	case "outliers":
		return fmt.Sprintf(tiers, ", outlierDetection: {consecutive5xxErrors: 3, interval: 1s, baseEjectionTime: 5s, maxEjectionPercent: 100}"), noKey
	case "ring hash":
		return "{loadBalancer: {consistentHash: {httpHeaderName: x-user, ringHash: {minimumRingSize: 1024}}}}", byHeader
	case "maglev":
		return "{loadBalancer: {consistentHash: {httpHeaderName: x-user, maglev: {}}, localityLbSetting: {enabled: true}}}", byHeader
	case "source":
		return "{loadBalancer: {consistentHash: {useSourceIp: true, maglev: {}}}}", bySource
	case "labels":
		return "{loadBalancer: {localityLbSetting: {failoverPriority: [" + pick(r, "version", "version=v2", "topology.kubernetes.io/region") + "]}}}", noKey
	case "setting":
		return fmt.Sprintf("{loadBalancer: {localityLbSetting: {enabled: true, failoverThreshold: %d}}}", 1+r.IntN(100)), noKey
	}
	return "", noKey
}

func pick(r *rand.Rand, of ...string) string { return of[r.IntN(len(of))] }
