package v1alpha1

// OutlierDetection ejects endpoints that answer with errors. It never switches
// locality on, and locality never needs it.
// +kubebuilder:validation:XValidation:rule="!has(self.consecutiveLocalOriginFailures) || (has(self.splitExternalLocalOriginErrors) && self.splitExternalLocalOriginErrors)",message="consecutiveLocalOriginFailures needs splitExternalLocalOriginErrors: true"
// +kubebuilder:validation:XValidation:rule="!has(self.maxEjectionTime) || duration(self.maxEjectionTime) >= (has(self.baseEjectionTime) ? duration(self.baseEjectionTime) : duration('30s'))",message="maxEjectionTime is shorter than baseEjectionTime, which is 30s by default"
type OutlierDetection struct {
	// ConsecutiveErrors is deprecated and ignored, as in Istio.
	ConsecutiveErrors *int32 `json:"consecutiveErrors,omitempty"`
	// SplitExternalLocalOriginErrors counts failed connections apart from answers.
	// Default false.
	SplitExternalLocalOriginErrors bool `json:"splitExternalLocalOriginErrors,omitempty"`
	// ConsecutiveLocalOriginFailures eject. Default 5. Needs
	// splitExternalLocalOriginErrors: true.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=4294967295
	ConsecutiveLocalOriginFailures *int64 `json:"consecutiveLocalOriginFailures,omitempty"`
	// ConsecutiveGatewayErrors (502, 503, 504) eject; 0 disables. Default: off.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=4294967295
	ConsecutiveGatewayErrors *int64 `json:"consecutiveGatewayErrors,omitempty"`
	// Consecutive5xxErrors eject; 0 disables. Default 5.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=4294967295
	Consecutive5xxErrors *int64 `json:"consecutive5xxErrors,omitempty"`
	// Interval between sweeps. Default 10s.
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1ms')",message="at least 1ms"
	Interval *Duration `json:"interval,omitempty"`
	// BaseEjectionTime, times the number of ejections. Default 30s.
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1ms')",message="at least 1ms"
	BaseEjectionTime *Duration `json:"baseEjectionTime,omitempty"`
	// MaxEjectionPercent of all endpoints of the cluster, 0..100. Default 10. A zone
	// that holds more than that cannot be ejected wholly.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	MaxEjectionPercent *int32 `json:"maxEjectionPercent,omitempty"`
	// MinHealthPercent: below it the proxy ignores health and uses all (Envoy's
	// panic threshold), 0..100. Default 0: never. Above 0, unready endpoints are
	// left out.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	MinHealthPercent *int32 `json:"minHealthPercent,omitempty"`
	// OutlierDetectionHTTPErrorCodes are the statuses that count as errors, each
	// 100..599. Default: 500..599.
	// +kubebuilder:validation:MaxItems=500
	// +kubebuilder:validation:items:Minimum=100
	// +kubebuilder:validation:items:Maximum=599
	OutlierDetectionHTTPErrorCodes []int32 `json:"outlierDetectionHttpErrorCodes,omitempty"`
	// SuccessRate ejects endpoints that answer worse than the others. Default: off.
	// New in coastwise.
	SuccessRate *SuccessRate `json:"successRate,omitempty" istio:"-"`
	// FailurePercentage ejects endpoints that fail more often than this. Default:
	// off. New in coastwise.
	FailurePercentage *FailurePercentage `json:"failurePercentage,omitempty" istio:"-"`
	// MaxEjectionTime bounds an ejection. Default: the greater of 300s and
	// baseEjectionTime. New in coastwise.
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1ms')",message="at least 1ms"
	MaxEjectionTime *Duration `json:"maxEjectionTime,omitempty" istio:"-"`
	// MaxEjectionTimeJitter is added at random to each ejection. Default 0s. New in
	// coastwise.
	MaxEjectionTimeJitter *Duration `json:"maxEjectionTimeJitter,omitempty" istio:"-"`
}

// SuccessRate ejects endpoints whose success rate is far below the mean.
type SuccessRate struct {
	// MinimumHosts with enough requests for it to act. Default 5.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=4294967295
	MinimumHosts *int64 `json:"minimumHosts,omitempty"`
	// RequestVolume in one interval for an endpoint to count. Default 100.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=4294967295
	RequestVolume *int64 `json:"requestVolume,omitempty"`
	// StdevFactor in thousandths: an endpoint is ejected below mean − stdev ×
	// stdevFactor/1000. Default 1900.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=4294967295
	StdevFactor *int64 `json:"stdevFactor,omitempty"`
}

// FailurePercentage ejects endpoints that fail more often than a threshold.
type FailurePercentage struct {
	// Threshold in percent of failed requests, 1..100. Default 85.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Threshold *int32 `json:"threshold,omitempty"`
	// MinimumHosts with enough requests for it to act. Default 5.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=4294967295
	MinimumHosts *int64 `json:"minimumHosts,omitempty"`
	// RequestVolume in one interval for an endpoint to count. Default 50.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=4294967295
	RequestVolume *int64 `json:"requestVolume,omitempty"`
}
