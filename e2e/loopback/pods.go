package loopback

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"sync/atomic"
)

// podBits is how many addresses of pods a block has, as a power of two: 250 blocks
// of them fit into a /11.
const podBits = 13

// Pods is the addresses 10.x.y.z that go with one Block, for pods: EndpointSlices
// may not name addresses of 127.0.0.0/8.
type Pods struct {
	prefix netip.Prefix
	next   atomic.Uint32
	routed bool
}

// Pods gives the addresses of pods that are this block's alone. They are answered
// only after Route.
func (b *Block) Pods() (*Pods, error) {
	for _, whole := range []string{"10.192.0.0/11", "10.64.0.0/11", "10.128.0.0/11"} {
		p := netip.MustParsePrefix(whole)
		free, err := unused(p)
		if err != nil {
			return nil, err
		}
		if free {
			start := plus(p.Addr(), uint32(b.number)<<podBits)
			return &Pods{prefix: netip.PrefixFrom(start, 32-podBits)}, nil
		}
	}
	return nil, errors.New("this machine's own networks leave no /11 of 10.0.0.0/8 for pods")
}

// unused says that no interface of this machine is in the network.
func unused(p netip.Prefix) (bool, error) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return false, err
	}
	for _, a := range addresses {
		other, err := netip.ParsePrefix(a.String())
		if err == nil && other.Overlaps(p) {
			return false, nil
		}
	}
	return true, nil
}

func plus(a netip.Addr, n uint32) netip.Addr {
	b := a.As4()
	v := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	v += n
	return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
}

// First is the address that Next never gives out.
func (p *Pods) First() string { return plus(p.prefix.Addr(), 1).String() }

// Next is an address that was not given out before. After 8,190 of them it starts
// again.
func (p *Pods) Next() string {
	n := (p.next.Add(1) - 1) % (1<<podBits - 2)
	return plus(p.prefix.Addr(), n+2).String()
}

// Route makes all addresses of p local to this machine, so that servers can listen
// on them and proxies reach them. It needs root. Release undoes it.
func (p *Pods) Route() error {
	if err := p.ip("replace"); err != nil {
		return fmt.Errorf("making %s local (this needs root and iproute2): %w", p.prefix, err)
	}
	p.routed = true
	return nil
}

// Release gives the addresses back to the network.
func (p *Pods) Release() error {
	if !p.routed {
		return nil
	}
	p.routed = false
	return p.ip("del")
}

func (p *Pods) ip(verb string) error {
	out, err := exec.Command("ip", "route", verb, "local", p.prefix.String(), "dev", "lo").CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip route %s: %w: %s", verb, err, bytes.TrimSpace(out))
	}
	return nil
}
