package model

import "time"

// ClusterSettings is what a policy says of connections and of ejecting endpoints:
// plain values with every default resolved, so that equal settings are equal by
// reflect.DeepEqual (reference/destination-rule.md 2.2 and 2.5 to 2.8).
type ClusterSettings struct {
	// Outliers is nil where nothing is ejected.
	Outliers *Outliers
}

// Outliers ejects endpoints that answer with errors. A count of 0 is off.
type Outliers struct {
	Consecutive5xx     uint32
	ConsecutiveGateway uint32
	// SplitLocalOrigin counts failed connections apart; ConsecutiveLocalOrigin
	// means something only then.
	SplitLocalOrigin       bool
	ConsecutiveLocalOrigin uint32
	Interval               time.Duration
	BaseEjectionTime       time.Duration
	// MaxEjectionTime 0 is Envoy's: the greater of 300s and BaseEjectionTime.
	MaxEjectionTime    time.Duration
	Jitter             time.Duration
	MaxEjectionPercent uint32
	// ErrorCodes are the statuses that count as errors, sorted, none twice; nil is 500..599.
	ErrorCodes []int32
	// SuccessRate and FailurePercentage are nil where they are off.
	SuccessRate       *SuccessRate
	FailurePercentage *FailurePercentage
}

// SuccessRate ejects below mean − stdev × StdevFactor/1000.
type SuccessRate struct{ MinimumHosts, RequestVolume, StdevFactor uint32 }

// FailurePercentage ejects above Threshold percent.
type FailurePercentage struct{ Threshold, MinimumHosts, RequestVolume uint32 }
