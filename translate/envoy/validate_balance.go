package envoy

import (
	lbcommonv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/common/v3"
	maglevv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/maglev/v3"
	"google.golang.org/protobuf/types/known/anypb"
)

// balance checks what is packed inside a load balancing policy.
func (f *findings) balance(packed *anypb.Any) {
	m, err := packed.UnmarshalNew()
	if err != nil {
		f.addf("load_balancing_policy: %v", err)
		return
	}
	if c, ok := m.(checked); ok {
		if err := c.ValidateAll(); err != nil {
			f.addf("load_balancing_policy: %v", err)
		}
	}
	if m, ok := m.(*maglevv3.Maglev); ok && m.TableSize != nil && !isPrime(m.TableSize.Value) {
		f.addf("load_balancing_policy: table_size: %d is no prime", m.TableSize.Value)
	}
	if m, ok := m.(interface {
		GetSlowStartConfig() *lbcommonv3.SlowStartConfig
	}); ok {
		f.slowStart(m.GetSlowStartConfig())
	}
}

// slowStart checks what Envoy would only find out when it balances.
func (f *findings) slowStart(c *lbcommonv3.SlowStartConfig) {
	if c == nil {
		return
	}
	if c.GetSlowStartWindow().AsDuration() <= 0 {
		f.addf("load_balancing_policy: slow_start_window: missing or not above 0")
	}
	if c.GetAggression().GetDefaultValue() <= 0 {
		f.addf("load_balancing_policy: aggression: not above 0")
	}
}

func isPrime(n uint64) bool {
	for d := uint64(2); d*d <= n; d++ {
		if n%d == 0 {
			return false
		}
	}
	return n > 1
}
