package v1alpha1

import "testing"

func TestLocalityLbSettingHonouredAndSpeaks(t *testing.T) {
	yes, no, fifty := true, false, int32(50)
	share := []Distribute{{From: "*", To: map[string]int32{"eu": 100}}}
	for _, c := range []struct {
		name             string
		setting          *LocalityLbSetting
		honoured, speaks bool
	}{
		{"absent", nil, true, false},
		{"{}", &LocalityLbSetting{}, true, true},
		{"enabled", &LocalityLbSetting{Enabled: &yes, AllowedRegions: []string{"eu"}}, true, true},
		{"fence", &LocalityLbSetting{AllowedRegions: []string{"eu"}}, true, false},
		{"threshold", &LocalityLbSetting{FailoverThreshold: &fifty}, true, false},
		{"fence and threshold", &LocalityLbSetting{AllowedRegions: []string{"eu"}, FailoverThreshold: &fifty}, true, false},
		{"failover and fence", &LocalityLbSetting{AllowedRegions: []string{"eu"}, Failover: []Failover{{From: "a", To: "b"}}}, true, true},
		{"distribute", &LocalityLbSetting{Enabled: &yes, Distribute: share}, false, false},
		{"distribute, switched off", &LocalityLbSetting{Enabled: &no, Distribute: share}, true, true},
		{"failoverPriority", &LocalityLbSetting{FailoverPriority: []string{"x"}}, false, false},
		{"empty lists are absent", &LocalityLbSetting{Distribute: []Distribute{}, FailoverPriority: []string{}}, true, true},
	} {
		if h, s := c.setting.Honoured(), c.setting.Speaks(); h != c.honoured || s != c.speaks {
			t.Errorf("%s: honoured %v, speaks %v; want %v, %v", c.name, h, s, c.honoured, c.speaks)
		}
	}
}
