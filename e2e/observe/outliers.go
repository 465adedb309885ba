package observe

// detect is outlierDetection of up to half of the endpoints.
func detect(s string) string { return "{outlierDetection: {maxEjectionPercent: 50, " + s + "}}" }

func outlierRow(names ...string) []string {
	return rows("DestinationRule spec.trafficPolicy.outlierDetection.", names)
}

func outliers() []Observation {
	refusing := []Endpoint{at(0, 0), special(Dead)}
	const split = "splitExternalLocalOriginErrors: true, "
	const quick = "consecutive5xxErrors: 1, interval: 200ms, baseEjectionTime: 200ms"
	return []Observation{
		{
			Name: "outliers", Rows: outlierRow("consecutive5xxErrors"), Measure: ejects(500),
			With:    Side{Policy: detect("consecutive5xxErrors: 5"), Want: "ejected"},
			Without: Side{Want: "stays"},
		},
		{
			Name: "consecutive-5xx", Rows: outlierRow("consecutive5xxErrors"), Measure: ejects(500),
			With:    Side{Policy: detect("consecutive5xxErrors: 3"), Want: "ejected"},
			Without: Side{Policy: detect("consecutive5xxErrors: 0"), Want: "stays"},
		},
		{
			Name: "consecutive-gateway", Rows: outlierRow("consecutiveGatewayErrors"), Measure: ejects(503),
			With:    Side{Policy: detect("consecutive5xxErrors: 0, consecutiveGatewayErrors: 3"), Want: "ejected"},
			Without: Side{Policy: detect("consecutive5xxErrors: 0"), Want: "stays"},
		},
		{
			Name: "gateway-errors-only", Rows: outlierRow("consecutiveGatewayErrors"), Measure: ejects(500),
			With:    Side{Policy: detect("consecutive5xxErrors: 0, consecutiveGatewayErrors: 3"), Want: "stays"},
			Without: Side{Policy: detect("consecutive5xxErrors: 3, consecutiveGatewayErrors: 3"), Want: "ejected"},
		},
		{
			Name: "split", Rows: outlierRow("splitExternalLocalOriginErrors"), Measure: unreachable,
			With:    Side{Policy: detect(split + "consecutive5xxErrors: 3, consecutiveLocalOriginFailures: 0"), Endpoints: refusing, Want: "stays"},
			Without: Side{Policy: detect("consecutive5xxErrors: 3"), Endpoints: refusing, Want: "ejected"},
		},
		{
			Name: "local-origin", Rows: outlierRow("consecutiveLocalOriginFailures"), Measure: unreachable,
			With:    Side{Policy: detect(split + "consecutiveLocalOriginFailures: 3"), Endpoints: refusing, Want: "ejected"},
			Without: Side{Policy: detect(split + "consecutiveLocalOriginFailures: 0"), Endpoints: refusing, Want: "stays"},
		},
		{
			Name: "sweep-interval", Rows: outlierRow("interval"), Measure: returns,
			With:    Side{Policy: detect("consecutive5xxErrors: 3, baseEjectionTime: 500ms, interval: 100ms"), Want: "returns"},
			Without: Side{Policy: detect("consecutive5xxErrors: 3, baseEjectionTime: 500ms, interval: 1h"), Want: "stays away"},
		},
		{
			Name: "ejection-time", Rows: outlierRow("baseEjectionTime"), Measure: returns,
			With:    Side{Policy: detect("consecutive5xxErrors: 3, interval: 100ms, baseEjectionTime: 500ms"), Want: "returns"},
			Without: Side{Policy: detect("consecutive5xxErrors: 3, interval: 100ms"), Want: "stays away"},
		},
		{
			Name: "max-ejection-time", Rows: outlierRow("maxEjectionTime"), Measure: oftenEjected,
			With:    Side{Policy: detect(quick + ", maxEjectionTime: 200ms"), Want: "often"},
			Without: Side{Policy: detect(quick), Want: "ever longer"},
		},
		{
			Name: "ejection-jitter", Rows: outlierRow("maxEjectionTimeJitter"), Measure: returns,
			With:    Side{Policy: detect("consecutive5xxErrors: 3, interval: 100ms, baseEjectionTime: 500ms, maxEjectionTimeJitter: 100h"), Want: "stays away"},
			Without: Side{Policy: detect("consecutive5xxErrors: 3, interval: 100ms, baseEjectionTime: 500ms"), Want: "returns"},
		},
		{
			Name: "max-ejection-percent", Rows: outlierRow("maxEjectionPercent"), Measure: ejects(500),
			With:    Side{Policy: "{outlierDetection: {consecutive5xxErrors: 3, maxEjectionPercent: 50}}", Want: "ejected"},
			Without: Side{Policy: "{outlierDetection: {consecutive5xxErrors: 3}}", Want: "stays"},
		},
		{
			Name: "min-health", Rows: outlierRow("minHealthPercent"), Measure: ejects(500),
			With:    Side{Policy: detect("consecutive5xxErrors: 3, minHealthPercent: 60"), Want: "stays"},
			Without: Side{Policy: detect("consecutive5xxErrors: 3"), Want: "ejected"},
		},
		{
			Name: "error-codes-only", Rows: outlierRow("outlierDetectionHttpErrorCodes"), Measure: ejects(500),
			With:    Side{Policy: detect("consecutive5xxErrors: 3, outlierDetectionHttpErrorCodes: [418, 429]"), Want: "stays"},
			Without: Side{Policy: detect("consecutive5xxErrors: 3"), Want: "ejected"},
		},
		{
			Name: "error-codes-gateway", Rows: outlierRow("outlierDetectionHttpErrorCodes", "consecutiveGatewayErrors"), Measure: ejects(503),
			With:    Side{Policy: detect("consecutive5xxErrors: 0, consecutiveGatewayErrors: 3, outlierDetectionHttpErrorCodes: [418, 429]"), Want: "stays"},
			Without: Side{Policy: detect("consecutive5xxErrors: 0, consecutiveGatewayErrors: 3"), Want: "ejected"},
		},
		{
			Name: "error-codes-503", Rows: outlierRow("outlierDetectionHttpErrorCodes", "consecutiveGatewayErrors"), Measure: ejects(503),
			With:    Side{Policy: detect("consecutive5xxErrors: 0, consecutiveGatewayErrors: 3, outlierDetectionHttpErrorCodes: [503]"), Want: "ejected"},
			Without: Side{Policy: detect("consecutive5xxErrors: 0, outlierDetectionHttpErrorCodes: [503]"), Want: "stays"},
		},
		{
			Name: "error-codes", Rows: outlierRow("outlierDetectionHttpErrorCodes"), Measure: ejects(429),
			With:    Side{Policy: detect("consecutive5xxErrors: 3, outlierDetectionHttpErrorCodes: [418, 429]"), Want: "ejected"},
			Without: Side{Policy: detect("consecutive5xxErrors: 3"), Want: "stays"},
		},
	}
}

// ejectors are what ejects by statistics of an interval.
func ejectors() []Observation {
	const (
		rate    = "outlier_detection.ejections_enforced_success_rate"
		percent = "outlier_detection.ejections_enforced_failure_percentage"
	)
	alone := func(s string) string { return detect("consecutive5xxErrors: 0, interval: 1s" + s) }
	success := func(s string) string { return alone(", successRate: {" + s + "}") }
	failure := func(s string) string { return alone(", failurePercentage: {" + s + "}") }
	observed := func(name, row, counter string, all bool, with, without string) Observation {
		return Observation{
			Name: name, Rows: outlierRow(row), Measure: sweeps(counter, all),
			With:    Side{Policy: with, Endpoints: inFirstZone(3), Want: "ejected"},
			Without: Side{Policy: without, Endpoints: inFirstZone(3), Want: "stays"},
		}
	}
	return []Observation{
		observed("success-rate", "successRate.minimumHosts", rate, true, success("minimumHosts: 3, requestVolume: 5, stdevFactor: 1000"), alone("")),
		observed("success-rate-hosts", "successRate.minimumHosts", rate, true,
			success("minimumHosts: 3, requestVolume: 5, stdevFactor: 1000"), success("minimumHosts: 4, requestVolume: 5, stdevFactor: 1000")),
		observed("success-rate-volume", "successRate.requestVolume", rate, true,
			success("minimumHosts: 3, requestVolume: 5, stdevFactor: 1000"), success("minimumHosts: 3, requestVolume: 100000, stdevFactor: 1000")),
		observed("success-rate-stdev", "successRate.stdevFactor", rate, true,
			success("minimumHosts: 3, requestVolume: 5, stdevFactor: 1000"), success("minimumHosts: 3, requestVolume: 5")),
		observed("failure", "failurePercentage.threshold", percent, true, failure("minimumHosts: 3, requestVolume: 5"), alone("")),
		observed("failure-threshold", "failurePercentage.threshold", percent, false,
			failure("minimumHosts: 3, requestVolume: 12, threshold: 15"), failure("minimumHosts: 3, requestVolume: 12, threshold: 100")),
		observed("failure-hosts", "failurePercentage.minimumHosts", percent, true,
			failure("minimumHosts: 3, requestVolume: 5"), failure("minimumHosts: 4, requestVolume: 5")),
		observed("failure-volume", "failurePercentage.requestVolume", percent, true,
			failure("minimumHosts: 3, requestVolume: 5"), failure("minimumHosts: 3, requestVolume: 100000")),
	}
}
