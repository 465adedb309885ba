package conformance

import (
	"fmt"
	"slices"
	"strings"

	confv1 "sigs.k8s.io/gateway-api/conformance/apis/v1"
)

// table is a report in the words of docs/gateway-api.md.
func table(r *confv1.ConformanceReport) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Gateway API %s, channel %s\n\n", r.GatewayAPIVersion, r.GatewayAPIChannel)
	fmt.Fprintln(&b, "| profile | part | result | passed | failed | skipped |\n|---|---|---|---|---|---|")
	profiles := slices.Clone(r.ProfileReports)
	slices.SortFunc(profiles, func(a, b confv1.ProfileReport) int { return -strings.Compare(a.Name, b.Name) })
	var rest strings.Builder
	for _, p := range profiles {
		row(&b, p.Name, "core", p.Core)
		failures(&rest, p.Name, "core", p.Core)
		if p.Extended == nil {
			continue
		}
		row(&b, p.Name, "extended", p.Extended.Status)
		failures(&rest, p.Name, "extended", p.Extended.Status)
		fmt.Fprintf(&rest, "%s, extended features served: %s\n", p.Name, strings.Join(p.Extended.SupportedFeatures, ", "))
		fmt.Fprintf(&rest, "%s, extended features not served: %s\n", p.Name, strings.Join(p.Extended.UnsupportedFeatures, ", "))
	}
	return b.String() + "\n" + rest.String()
}

func row(b *strings.Builder, profile, part string, s confv1.Status) {
	fmt.Fprintf(b, "| %s | %s | %s | %d | %d | %d |\n", profile, part, s.Result, s.Passed, s.Failed, s.Skipped)
}

func failures(b *strings.Builder, profile, part string, s confv1.Status) {
	if len(s.FailedTests)+len(s.SkippedTests) > 0 {
		fmt.Fprintf(b, "%s, %s: failed %v, skipped %v\n", profile, part, s.FailedTests, s.SkippedTests)
	}
}
