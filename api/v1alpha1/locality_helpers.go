package v1alpha1

// Honoured says that every part of the setting that changes routing is honoured
// by this version. One that is not counts as absent, its allowedRegions excepted
// (semantics 8.3). With enabled: false no part changes routing, and an absent
// setting is honoured.
func (l *LocalityLbSetting) Honoured() bool {
	return l == nil || l.Enabled != nil && !*l.Enabled ||
		len(l.Distribute) == 0 && len(l.FailoverPriority) == 0
}

// Speaks says whether the setting of a rule decides (semantics 3.2): it is
// there, it is honoured, and it holds more than allowedRegions and
// failoverThreshold, says enabled, or is empty.
func (l *LocalityLbSetting) Speaks() bool {
	if l == nil || !l.Honoured() {
		return false
	}
	constraintsOnly := len(l.AllowedRegions) > 0 || l.FailoverThreshold != nil
	return l.Enabled != nil || len(l.Failover) > 0 || !constraintsOnly
}
