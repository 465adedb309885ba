package worldtest

import (
	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/api/v1alpha1"
)

// settings draws what a rule says of connections and of ejecting endpoints.
func settings(t *rapid.T, p *v1alpha1.TrafficPolicy) {
	p.OutlierDetection = outliers(t)
	p.ConnectionPool = pool(t)
	if rapid.IntRange(0, 3).Draw(t, "encrypts") == 0 {
		p.TLS = &v1alpha1.TLS{
			Mode:           rapid.SampledFrom([]string{"DISABLE", "SIMPLE", "MUTUAL"}).Draw(t, "mode"),
			CredentialName: "web", CredentialDir: "/tls",
			SNI: rapid.SampledFrom([]string{"", "a.example"}).Draw(t, "sni"),
		}
	}
	switch rapid.IntRange(0, 9).Draw(t, "PROXY header or tunnel") {
	case 0:
		p.ProxyProtocol = &v1alpha1.ProxyProtocol{Version: rapid.SampledFrom([]string{"", "V2"}).Draw(t, "version")}
	case 1, 2:
		p.Tunnel = &v1alpha1.Tunnel{
			Protocol:   rapid.SampledFrom([]string{"", "POST"}).Draw(t, "protocol"),
			TargetHost: rapid.SampledFrom([]string{"target.example", "::1"}).Draw(t, "targetHost"), TargetPort: 443,
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "hashes") == 0 {
		p.LoadBalancer.Simple = ""
		p.LoadBalancer.ConsistentHash = &v1alpha1.ConsistentHash{
			HTTPHeaderName: ptr(rapid.SampledFrom([]string{"x-a", "x-b"}).Draw(t, "httpHeaderName")),
		}
		if rapid.Bool().Draw(t, "maglev") {
			p.LoadBalancer.ConsistentHash.Maglev = &v1alpha1.Maglev{}
		}
	}
	if rapid.IntRange(0, 5).Draw(t, "warms up") == 0 {
		p.LoadBalancer.WarmupDurationSecs = ptr(v1alpha1.Duration("60s"))
	}
}

// meshSettings draws what the mesh says of them.
func meshSettings(t *rapid.T, m *v1alpha1.MeshConfigSpec) {
	if o := outliers(t); o != nil {
		m.DefaultTrafficPolicy = &v1alpha1.DefaultTrafficPolicy{OutlierDetection: o, ConnectionPool: pool(t)}
	}
	m.H2UpgradePolicy = rapid.SampledFrom([]string{"", "", "UPGRADE"}).Draw(t, "h2UpgradePolicy")
	m.OutboundTrafficPolicy = outbound(t)
}

func pool(t *rapid.T) *v1alpha1.ConnectionPool {
	if rapid.IntRange(0, 3).Draw(t, "pools") > 0 {
		return nil
	}
	return &v1alpha1.ConnectionPool{
		TCP:  &v1alpha1.TCPSettings{MaxConnections: ptr(int32(rapid.IntRange(0, 3).Draw(t, "maxConnections")))},
		HTTP: &v1alpha1.HTTPSettings{H2UpgradePolicy: rapid.SampledFrom([]string{"", "UPGRADE", "DO_NOT_UPGRADE"}).Draw(t, "h2UpgradePolicy")},
	}
}

func outliers(t *rapid.T) *v1alpha1.OutlierDetection {
	if rapid.IntRange(0, 3).Draw(t, "ejects") > 0 {
		return nil
	}
	return &v1alpha1.OutlierDetection{
		Consecutive5xxErrors: ptr(int64(rapid.IntRange(0, 3).Draw(t, "consecutive5xxErrors"))),
		MinHealthPercent:     ptr(int32(rapid.SampledFrom([]int{0, 0, 50}).Draw(t, "minHealthPercent"))),
	}
}
