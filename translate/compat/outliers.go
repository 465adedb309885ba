package compat

func outlierRows() []Row {
	const at = "spec.trafficPolicy.outlierDetection."
	return []Row{
		{
			Field: at + "consecutiveErrors", Status: NoEffect,
			Notes: "deprecated and ignored, in Istio too; consecutive5xxErrors or consecutiveGatewayErrors instead",
		},
		{Field: at + "splitExternalLocalOriginErrors", Status: Honoured, Becomes: "`Cluster.outlier_detection.split_external_local_origin_errors`"},
		{
			Field: at + "consecutiveLocalOriginFailures", Status: Honoured, Becomes: "`Cluster.outlier_detection.consecutive_local_origin_failure`",
			Notes: "5 by default; needs splitExternalLocalOriginErrors",
		},
		{
			Field: at + "consecutiveGatewayErrors", Status: Honoured,
			Becomes: "`Cluster.outlier_detection.consecutive_gateway_failure`, `Cluster.outlier_detection.enforcing_consecutive_gateway_failure`",
			Notes:   "off by default",
		},
		{
			Field: at + "consecutive5xxErrors", Status: Honoured, Becomes: "`Cluster.outlier_detection.consecutive_5xx`",
			Notes: "5 by default; 0 switches it off",
		},
		{Field: at + "interval", Status: Honoured, Becomes: "`Cluster.outlier_detection.interval`", Notes: "10s by default"},
		{Field: at + "baseEjectionTime", Status: Honoured, Becomes: "`Cluster.outlier_detection.base_ejection_time`", Notes: "30s by default"},
		{
			Field: at + "maxEjectionPercent", Status: Honoured, Becomes: "`Cluster.outlier_detection.max_ejection_percent`",
			Notes: "10 by default; 0 is 0, in Istio it is unset",
		},
		{
			Field: at + "minHealthPercent", Status: Honoured, Becomes: "`Cluster.common_lb_config.healthy_panic_threshold`",
			Notes: "0 by default; above it unready endpoints are left out",
		},
		{
			Field: at + "outlierDetectionHttpErrorCodes", Status: Honoured, Becomes: "`HttpProtocolOptions.outlier_detection.error_matcher`",
			Notes: "500..599 by default",
		},
		{
			Field: at + "successRate.minimumHosts", Status: Honoured, Own: true,
			Becomes: "`Cluster.outlier_detection.success_rate_minimum_hosts`", Notes: "5 by default; the block switches ejection by success rate on",
		},
		{Field: at + "successRate.requestVolume", Status: Honoured, Own: true, Becomes: "`Cluster.outlier_detection.success_rate_request_volume`", Notes: "100 by default"},
		{Field: at + "successRate.stdevFactor", Status: Honoured, Own: true, Becomes: "`Cluster.outlier_detection.success_rate_stdev_factor`", Notes: "1900 by default"},
		{
			Field: at + "failurePercentage.threshold", Status: Honoured, Own: true,
			Becomes: "`Cluster.outlier_detection.failure_percentage_threshold`", Notes: "85 by default; the block switches it on",
		},
		{Field: at + "failurePercentage.minimumHosts", Status: Honoured, Own: true, Becomes: "`Cluster.outlier_detection.failure_percentage_minimum_hosts`", Notes: "5 by default"},
		{Field: at + "failurePercentage.requestVolume", Status: Honoured, Own: true, Becomes: "`Cluster.outlier_detection.failure_percentage_request_volume`", Notes: "50 by default"},
		{Field: at + "maxEjectionTime", Status: Honoured, Own: true, Becomes: "`Cluster.outlier_detection.max_ejection_time`"},
		{Field: at + "maxEjectionTimeJitter", Status: Honoured, Own: true, Becomes: "`Cluster.outlier_detection.max_ejection_time_jitter`"},
	}
}

func tlsRows() []Row {
	const (
		at    = "spec.trafficPolicy.tls."
		files = "files cannot be named: write credentialName, and put its files into a folder of --tls-dir"
	)
	return []Row{
		{
			Field: at + "mode", Status: Honoured, Becomes: "`Cluster.transport_socket`",
			Notes: "DISABLE, SIMPLE, MUTUAL; without a mode the block has no effect, which is told",
		},
		{Field: at + "mode", Value: "ISTIO_MUTUAL", Status: Refused, Notes: "there is no mesh CA"},
		{
			Field: at + "mode", Value: "SIMPLE, without credentialName or insecureSkipVerify", Status: Refused,
			Notes: "verified against the system's roots, which is not honoured yet",
		},
		{Field: at + "clientCertificate", Status: Refused, Notes: files},
		{Field: at + "privateKey", Status: Refused, Notes: files},
		{Field: at + "caCertificates", Status: Refused, Notes: files},
		{Field: at + "caCrl", Status: Refused, Notes: files + "; a CRL stands in NAME-ca.yaml"},
		{
			Field: at + "credentialName", Status: Honoured,
			Becomes: "`CommonTlsContext.tls_certificate_sds_secret_configs`, `CommonTlsContext.combined_validation_context.validation_context_sds_secret_config`",
			Notes:   "file SDS out of --tls-dir; a name without files refuses the object",
		},
		{
			Field: at + "subjectAltNames", Status: Honoured,
			Becomes: "`CommonTlsContext.combined_validation_context.default_validation_context.match_typed_subject_alt_names`",
		},
		{Field: at + "sni", Status: Honoured, Becomes: "`UpstreamTlsContext.sni`", Notes: "absent: the request's host"},
		{Field: at + "insecureSkipVerify", Status: Honoured, Becomes: "`CommonTlsContext.combined_validation_context`", Notes: "no endpoint is verified"},
	}
}
