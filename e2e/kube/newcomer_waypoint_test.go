package kube_test

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/coastwise/coastwise/e2e/authority"
	"github.com/coastwise/coastwise/e2e/kube"
	"github.com/coastwise/coastwise/e2e/ztunnel"
)

// waypoint types the commands of the page's waypoint; then a ztunnel sends requests for
// the virtual IP of reviews, and all Pods answer, since the rule was changed before.
func (d *desk) waypoint(t *testing.T, s *kube.Scene, commands string, all []string) {
	t.Helper()
	out := d.run(t, commands)
	ip := func(service string) string {
		return s.Cluster.Kubectl(t, "get", "service/"+service, "-n", "shop", "-o", "jsonpath={.spec.clusterIP}")
	}
	gateway := regexp.MustCompile(`(?m)^waypoint +coastwise-waypoint +` + regexp.QuoteMeta(ip("waypoint")) + ` +True `)
	if !gateway.MatchString(out) || !strings.Contains(out, "shop/waypoint-0") {
		t.Errorf("the waypoint is not shown as programmed, with its address %s and proxy:\n%s", ip("waypoint"), out)
	}
	client := ztunnel.Sandwich{
		Waypoint: d.address + ":15088", Source: netip.MustParseAddrPort("10.0.0.1:40000"),
		Identity: authority.Member("shop", "client").String(),
	}
	s.Only(s.Through(client.DialContext, ip("reviews")+":80", "reviews.shop").End(), all...)
}
