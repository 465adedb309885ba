package loopback

import (
	"errors"
	"fmt"
	"net"
	"strconv"
)

// lockPort at 127.B.255.254 is held open by the process that owns block B.
const lockPort = 15999

// Block is the addresses 127.B.0.0 to 127.B.255.253.
type Block struct {
	number int
	lock   net.Listener
}

// kept are the blocks that Claim does not give out: samples/waypoint has addresses of 127.20,
// and the test that plays it of 127.77.
func kept(number int) bool { return number == 20 || number == 77 }

// Claim takes the first block that no other process has. Release gives it back;
// so does the end of the process.
func Claim() (*Block, error) {
	var last error
	for b := range 250 {
		if kept(b) {
			continue
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.%d.255.254:%d", b, lockPort))
		if err == nil {
			return &Block{number: b, lock: l}, nil
		}
		last = err
	}
	return nil, fmt.Errorf("no free block of loopback addresses (this needs Linux): %w", last)
}

// Address is 127.B.x.y.
func (b *Block) Address(x, y int) string { return fmt.Sprintf("127.%d.%d.%d", b.number, x, y) }

// Release gives the block back.
func (b *Block) Release() { b.lock.Close() }

// Ports are free on every address of a block that is used, as far as one can
// tell before listening.
type Ports struct {
	Backend, Proxy, EnvoyAdmin, XDS, Admin int
}

// FreePorts finds ports that nothing listens on at any of the addresses: the
// usual ones, or else those 100 above, and so on.
func FreePorts(addresses []string) (Ports, error) {
	for offset := 0; offset < 5000; offset += 100 {
		p := Ports{8080 + offset, 15080 + offset, 15000 + offset, 15010 + offset, 15014 + offset}
		if allFree(addresses, p.Backend, p.Proxy, p.EnvoyAdmin, p.XDS, p.Admin) {
			return p, nil
		}
	}
	return Ports{}, errors.New("no free ports on the loopback addresses")
}

func allFree(addresses []string, ports ...int) bool {
	for _, a := range addresses {
		for _, p := range ports {
			l, err := net.Listen("tcp", net.JoinHostPort(a, strconv.Itoa(p)))
			if err != nil {
				return false
			}
			l.Close()
		}
	}
	return true
}
