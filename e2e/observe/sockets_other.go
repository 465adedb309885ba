//go:build !linux

package observe

import (
	"errors"
	"net"
)

var errLinux = errors.New("this needs Linux")

func (l *Lab) silent() error { return errLinux }

func keepalive(int, net.Addr, net.Addr) (string, error) { return "", errLinux }
