package v1alpha1

import "testing"

func TestLocalityLbSettingSpeaks(t *testing.T) {
	yes, no, fifty := true, false, int32(50)
	share := []Distribute{{From: "*", To: map[string]int32{"eu": 100}}}
	for _, c := range []struct {
		name    string
		setting *LocalityLbSetting
		speaks  bool
	}{
		{"absent", nil, false},
		{"{}", &LocalityLbSetting{}, true},
		{"enabled", &LocalityLbSetting{Enabled: &yes, AllowedRegions: []string{"eu"}}, true},
		{"fence", &LocalityLbSetting{AllowedRegions: []string{"eu"}}, false},
		{"threshold", &LocalityLbSetting{FailoverThreshold: &fifty}, false},
		{"fence and threshold", &LocalityLbSetting{AllowedRegions: []string{"eu"}, FailoverThreshold: &fifty}, false},
		{"failover and fence", &LocalityLbSetting{AllowedRegions: []string{"eu"}, Failover: []Failover{{From: "a", To: "b"}}}, true},
		{"distribute and fence", &LocalityLbSetting{AllowedRegions: []string{"eu"}, Distribute: share}, true},
		{"distribute, switched off", &LocalityLbSetting{Enabled: &no, Distribute: share}, true},
		{"failoverPriority and threshold", &LocalityLbSetting{FailoverThreshold: &fifty, FailoverPriority: []string{"x"}}, true},
		{"empty lists are absent", &LocalityLbSetting{Distribute: []Distribute{}, FailoverPriority: []string{}}, true},
	} {
		if got := c.setting.Speaks(); got != c.speaks {
			t.Errorf("%s: speaks %v", c.name, got)
		}
	}
}
