package waypoint

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/manifest"
	"github.com/coastwise/coastwise/e2e/ztunnel"
)

// problems are what /problems tells.
func (m *mesh) problems() ([]coastwise.Problem, error) {
	resp, err := http.Get("http://" + m.server.Admin + "/problems")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var out []coastwise.Problem
	return out, json.NewDecoder(resp.Body).Decode(&out)
}

// tells waits until /problems has an object, a field and a reason.
func (m *mesh) tells(object, field, reason string) {
	m.t.Helper()
	await.Until(m.t, patience, func() string {
		all, err := m.problems()
		if err != nil {
			return err.Error()
		}
		if !slices.ContainsFunc(all, func(p coastwise.Problem) bool { return p.Object == object && p.Field == field && p.Reason == reason }) {
			return fmt.Sprintf("nothing of %s, %s: %s in %+v", object, field, reason, all)
		}
		return ""
	})
}

// using labels a Service with a waypoint.
func using(waypoint, service string) string {
	return strings.Replace(service, "namespace: default}", "namespace: default, labels: {"+useWaypoint+": "+waypoint+"}}", 1)
}

const useWaypoint = "networking.coastwise.dev/use-waypoint"

// someGateway is a Gateway that no Envoy runs.
func someGateway(name, class, listener string) string {
	return fmt.Sprintf("apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: %s, namespace: default}\nspec: {gatewayClassName: %s, listeners: [%s]}\n",
		name, class, listener)
}

// mistakes are what users do, in one file.
func mistakes() string {
	lost := strings.Replace(retries("lost"), "backendRefs: [{name: lost,", "backendRefs: [{name: gone,", 1)
	return manifest.Join(
		someGateway("foreign", "nobody", "{name: mesh, port: 15088, protocol: PROXY}"),
		using("foreign", service("of-foreign", "10.96.2.1", 80, "http")),
		someGateway("port", "coastwise-waypoint", "{name: mesh, port: 15008, protocol: PROXY}"),
		using("port", service("of-port", "10.96.2.2", 80, "http")),
		someGateway("protocol", "coastwise-waypoint", "{name: mesh, port: 80, protocol: HTTP}"),
		someGateway("two", "coastwise-waypoint", "{name: mesh, port: 15088, protocol: PROXY}, {name: more, port: 15008, protocol: HBONE}"),
		using("nobody", service("of-nobody", "10.96.2.3", 80, "http")),
		service("web2", strings.TrimSuffix(webVIP, ":80"), 80, "http"),
		service("lost", "10.96.2.4", 80, "http"), lost,
		retries("orphan"),
	)
}

// TestMistakes: everything that users do wrong comes at once, under load. Each is told
// where it stands, by object and field, and the good service loses no request, then, when
// headers lie beside it, and when the mistakes are gone.
func TestMistakes(t *testing.T) {
	m := faultMesh(t, sandwich)
	w := m.waypoint(0)
	g, phase := w.steady(t)
	m.write("mistakes.yaml", mistakes())
	label := "metadata.labels[" + useWaypoint + "]"
	for _, p := range []struct{ object, field, reason string }{
		{"Service default/of-foreign", label, "Invalid"},
		{"Gateway default/port", "spec.listeners[0].port", "PortUnavailable"},
		{"Service default/of-port", label, "Invalid"},
		{"Gateway default/protocol", "spec.listeners[0].protocol", "UnsupportedProtocol"},
		{"Gateway default/two", "spec.listeners", "Invalid"},
		{"Service default/of-nobody", label, "TargetNotFound"},
		{"Service default/web2", "spec.clusterIPs", "Conflicted"},
		{"HTTPRoute default/lost", "spec.rules[0].backendRefs[0]", "BackendNotFound"},
		{"HTTPRoute default/orphan", "spec.parentRefs[0]", "NoMatchingParent"},
	} {
		m.tells(p.object, p.field, p.reason)
	}
	honest := w.client().(ztunnel.Sandwich)
	await.Until(t, patience, func() string {
		if got := status(honest, "10.96.2.4:80"); got != http.StatusInternalServerError {
			return fmt.Sprintf("what is sent to a backend that does not exist is answered %d", got)
		}
		return ""
	})
	for _, vip := range []string{"10.96.2.1:80", "10.96.2.2:80", "10.96.2.3:80"} {
		if got := status(honest, vip); got != 0 {
			t.Errorf("%s has no waypoint, and is answered %d", vip, got)
		}
	}
	truth, err := honest.Header(webVIP)
	if err != nil {
		t.Fatal(err)
	}
	for _, lie := range truth.Lies(netip.MustParseAddrPort("10.96.200.200:80")) {
		if got := status(liar{honest, lie.Bytes}, webVIP); (got == http.StatusOK) != lie.Harmless {
			t.Errorf("%s: %d", lie.Name, got)
		}
	}
	m.write("mistakes.yaml", "# repaired\n")
	await.Until(t, patience, func() string {
		all, err := m.problems()
		if err != nil || len(all) > 0 {
			return fmt.Sprintf("%+v %v", all, err)
		}
		return ""
	})
	g.Stop()
	if tally := phase.Tally(); len(tally.Failures) > 0 {
		t.Errorf("%d of %d requests failed, the first: %s", len(tally.Failures), tally.Requests, tally.Failures[0].What)
	}
}
