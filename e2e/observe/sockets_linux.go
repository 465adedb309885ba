package observe

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// silent makes an address that is listened on, but whose queue is full: who
// connects waits for an answer that never comes.
func (l *Lab) silent() error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	l.closers = append(l.closers, func() { syscall.Close(fd) })
	ip := netip.MustParseAddr(l.address(special(Silent)))
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Port: l.ports.Backend, Addr: ip.As4()}); err != nil {
		return err
	}
	if err := syscall.Listen(fd, 0); err != nil {
		return err
	}
	filler, err := net.Dial("tcp", net.JoinHostPort(ip.String(), strconv.Itoa(l.ports.Backend)))
	if err != nil {
		return err
	}
	l.closers = append(l.closers, func() { filler.Close() })
	return nil
}

// The system calls that give one process another's socket, the same on every
// architecture.
const (
	pidfdOpen  = 434
	pidfdGetfd = 438
)

// keepalive is how the process keeps its end of a connection alive: "off", or the
// three values. local is that end's address and remote the other's: one port may
// serve several connections.
func keepalive(pid int, local, remote net.Addr) (string, error) {
	process, _, errno := syscall.Syscall(pidfdOpen, uintptr(pid), 0, 0)
	if errno != 0 {
		return "", fmt.Errorf("opening process %d: %w", pid, errno)
	}
	defer syscall.Close(int(process))
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		target, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, e.Name()))
		if n, err := strconv.Atoi(e.Name()); err == nil && strings.HasPrefix(target, "socket:") {
			if says, ours := optionsOf(process, n, local.String(), remote.String()); ours {
				return says, nil
			}
		}
	}
	return "", fmt.Errorf("process %d has no socket from %s to %s", pid, local, remote)
}

// optionsOf reads the options of the n-th file of a process, if it is the socket
// between these addresses.
func optionsOf(process uintptr, n int, local, remote string) (says string, ours bool) {
	fd, _, errno := syscall.Syscall(pidfdGetfd, process, uintptr(n), 0)
	if errno != 0 {
		return "", false
	}
	defer syscall.Close(int(fd))
	if written(syscall.Getsockname(int(fd))) != local || written(syscall.Getpeername(int(fd))) != remote {
		return "", false
	}
	option := func(level, name int) int {
		v, _ := syscall.GetsockoptInt(int(fd), level, name)
		return v
	}
	if option(syscall.SOL_SOCKET, syscall.SO_KEEPALIVE) == 0 {
		return "off", true
	}
	return fmt.Sprintf("time %d, interval %d, probes %d", option(syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE),
		option(syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL), option(syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT)), true
}

// written is IP:PORT of an IPv4 socket, "" of another.
func written(name syscall.Sockaddr, err error) string {
	in4, ok := name.(*syscall.SockaddrInet4)
	if err != nil || !ok {
		return ""
	}
	return netip.AddrPortFrom(netip.AddrFrom4(in4.Addr), uint16(in4.Port)).String()
}
