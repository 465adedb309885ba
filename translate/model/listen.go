package model

import (
	"fmt"
	"strconv"
	"strings"
)

// The ports to which iptables redirects a captured sidecar's connections.
const (
	CapturePort = 15001
	InboundPort = 15006
)

// CapturePorts are both.
func CapturePorts() []uint32 { return []uint32{CapturePort, InboundPort} }

// ListenAnnotation on a Service declares its explicit listeners (semantics 9.3).
const ListenAnnotation = "networking.coastwise.dev/listen"

// Listen is one explicit listener of a Service (semantics 9.3).
type Listen struct {
	// At is the port that clients listen on.
	At uint32
	// Port is the number of the Service's port behind it.
	Port uint32
}

// ListenItem is one PORT=LISTENERPORT as written; Port is a name or a number.
type ListenItem struct {
	Port string
	At   uint32
}

// ParseListen reads the value of ListenAnnotation: PORT=LISTENERPORT, with commas
// between; "" declares none. It returns what can be read, and an error that says
// what is wrong with the first item that cannot.
func ParseListen(s string) ([]ListenItem, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	var out []ListenItem
	var wrong error
	refuse := func(format string, args ...any) {
		if wrong == nil {
			wrong = fmt.Errorf(format, args...)
		}
	}
	seen := map[uint32]bool{}
	for text := range strings.SplitSeq(s, ",") {
		port, at, ok := strings.Cut(text, "=")
		port, at = strings.TrimSpace(port), strings.TrimSpace(at)
		n, err := strconv.ParseUint(at, 10, 16)
		switch {
		case !ok || port == "" || at == "":
			refuse("%q is not PORT=LISTENERPORT, such as http=18080", strings.TrimSpace(text))
		case err != nil || n == 0:
			refuse("%q is no listener port; write a number in 1..65535", at)
		case seen[uint32(n)]:
			refuse("listener port %d stands twice", n)
		default:
			seen[uint32(n)] = true
			out = append(out, ListenItem{Port: port, At: uint32(n)})
		}
	}
	return out, wrong
}
