package test

import (
	"testing"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/admit"
)

// TestNull holds what the two are known to read differently, apart from the
// allowances: an empty field is absent to admission and a wrong value to the API
// server, and a fraction of zero is no whole number to admission.
func TestNull(t *testing.T) {
	d := definitions(t)[v1alpha1.KindDestinationRule]
	for spec, want := range map[string]struct{ admitted, taken bool }{
		"{host: a}":                      {true, true},
		"{host: a, trafficPolicy: null}": {true, false},
		"{host: a, subsets: null}":       {true, false},
		"{host: a, exportTo: [null]}":    {false, false},
		"{host: a, trafficPolicy: {outlierDetection: {maxEjectionPercent: 5.0}}}":                       {false, true},
		"{host: a, trafficPolicy: {loadBalancer: {localityLbSetting: {allowedRegions: null}}}}":         {false, false},
		"{host: a, trafficPolicy: {loadBalancer: {localityLbSetting: {allowedRegions: [eu, eu]}}}}":     {false, false},
		"{host: a, trafficPolicy: {loadBalancer: {localityLbSetting: {allowedRegions: [eu, us, uk]}}}}": {true, true},
	} {
		manifest := []byte(heads[".rule"][:len(heads[".rule"])-1] + " " + spec)
		result, _ := admit.Object(manifest)
		refusals := d.create(manifest)
		if (result.Object != nil) != want.admitted || (len(refusals) == 0) != want.taken {
			t.Errorf("%s: admitted %t, refusals %v, want %+v", spec, result.Object != nil, refusals, want)
		}
	}
}
