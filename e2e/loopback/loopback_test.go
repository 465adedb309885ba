package loopback_test

import (
	"net"
	"strconv"
	"testing"

	"github.com/coastwise/coastwise/e2e/loopback"
)

func TestBlocksAreHeldByOne(t *testing.T) {
	first, err := loopback.Claim()
	if err != nil {
		t.Fatal(err)
	}
	defer first.Release()
	second, err := loopback.Claim()
	if err != nil {
		t.Fatal(err)
	}
	defer second.Release()
	if first.Address(2, 3) == second.Address(2, 3) {
		t.Errorf("both hold %s", first.Address(2, 3))
	}
}

func TestFreePortsAvoidsWhatIsTaken(t *testing.T) {
	b, err := loopback.Claim()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	addresses := []string{b.Address(9, 1), b.Address(9, 2)}
	before, err := loopback.FreePorts(addresses)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", net.JoinHostPort(addresses[1], strconv.Itoa(before.Proxy)))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	after, err := loopback.FreePorts(addresses)
	if err != nil {
		t.Fatal(err)
	}
	if after.Proxy == before.Proxy {
		t.Errorf("port %d is given out though it is taken on %s", after.Proxy, addresses[1])
	}
}
