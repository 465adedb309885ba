package v1alpha1

// Speaks says whether the setting of a rule decides (semantics 3.2): it is
// there, and it holds more than allowedRegions and failoverThreshold, says
// enabled, or is empty.
func (l *LocalityLbSetting) Speaks() bool {
	if l == nil {
		return false
	}
	constraintsOnly := len(l.AllowedRegions) > 0 || l.FailoverThreshold != nil
	orders := len(l.Distribute) > 0 || len(l.Failover) > 0 || len(l.FailoverPriority) > 0
	return l.Enabled != nil || orders || !constraintsOnly
}
