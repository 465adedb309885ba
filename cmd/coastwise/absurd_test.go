package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestAbsurdValues gives a rule more of everything than anybody means, which is
// refused at the field, in no time and few words.
func TestAbsurdValues(t *testing.T) {
	const host = "host: reviews"
	setting := func(s string) string {
		return host + ", trafficPolicy: {loadBalancer: {localityLbSetting: {" + s + "}}}"
	}
	weights := func(n int) string {
		var to []string
		for i := range n {
			to = append(to, fmt.Sprintf("r%d: 1", i))
		}
		return strings.Join(to, ", ")
	}
	for name, tt := range map[string]struct{ spec, field, message string }{
		"subsets":      {host + ", subsets: [" + strings.Repeat("{name: a}, ", 10_000) + "]", "spec.subsets", "has 10000 entries; at most 64"},
		"namespaces":   {host + ", exportTo: [" + strings.Repeat("a, ", 10_000) + "]", "spec.exportTo", "has 10000 entries; at most 1024"},
		"regions":      {setting("allowedRegions: [" + strings.Repeat("a, ", 10_000) + "]"), "spec.trafficPolicy.loadBalancer.localityLbSetting.allowedRegions", "has 10000 entries; at most 64"},
		"destinations": {setting("distribute: [{from: eu, to: {" + weights(10_000) + "}}]"), "spec.trafficPolicy.loadBalancer.localityLbSetting.distribute[0].to", "has 10000 entries; at most 32"},
		"labels":       {setting("failoverPriority: [" + strings.Repeat("a, ", 10_000) + "]"), "spec.trafficPolicy.loadBalancer.localityLbSetting.failoverPriority", "has 10000 entries; at most 32"},
		"a host":       {"host: " + strings.Repeat("a", 10_000), "spec.host", "is no host"},
		"a weight":     {setting("distribute: [{from: eu, to: {eu: " + strings.Repeat("9", 400) + "}}]"), "spec.trafficPolicy.loadBalancer.localityLbSetting.distribute[0].to[eu]", "must be a"},
		"a duration":   {host + ", trafficPolicy: {connectionPool: {tcp: {connectTimeout: " + strings.Repeat("9", 400) + "h}}}", "spec.trafficPolicy.connectionPool.tcp.connectTimeout", "is no duration"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, dir, "mesh.yaml", []byte("apiVersion: v1\nkind: Service\nmetadata: {name: reviews}\nspec: {ports: [{name: http, port: 80}]}\n---\n"+
				"apiVersion: networking.coastwise.dev/v1alpha1\nkind: DestinationRule\nmetadata: {name: absurd}\nspec: {"+tt.spec+"}\n"))
			started := time.Now()
			code, stdout, stderr := call(t.Context(), "translate", "-f", dir)
			if took := time.Since(started); took > time.Minute {
				t.Errorf("took %v", took)
			}
			want := "error  Invalid  DestinationRule default/absurd  " + tt.field + "  "
			if code != 0 || !strings.Contains(stdout, want) || !strings.Contains(stdout, tt.message) {
				t.Errorf("exit %d, no %s… %s in %.2000s\n%s", code, want, tt.message, stdout, stderr)
			}
			if len(stdout) > 1000 {
				t.Errorf("%d characters are said of it", len(stdout))
			}
		})
	}
}
