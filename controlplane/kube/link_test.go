package kube

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"syscall"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestFailingChecksAreNamed(t *testing.T) {
	for body, want := range map[string]string{
		"[+]ping ok\n[-]etcd failed: reason withheld\n[+]log ok\n[-]poststarthook/x failed: reason withheld\nreadyz check failed\n": "etcd, poststarthook/x",
		"": "not well", "no": "not well",
	} {
		if got := failing(body); got != want {
			t.Errorf("%q: %q, want %q", body, got, want)
		}
	}
}

// TestACauseIsTheSameEachTime: what differs between two attempts is no news.
func TestACauseIsTheSameEachTime(t *testing.T) {
	lost := func(port int) error {
		return &url.Error{Op: "Get", URL: fmt.Sprint("https://x/?resourceVersion=", port), Err: &net.OpError{
			Op: "read", Source: &net.TCPAddr{Port: port}, Err: syscall.ECONNRESET,
		}}
	}
	refused := &net.OpError{Op: "dial", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}, Err: syscall.ECONNREFUSED}
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", errors.New("no"))
	for err, want := range map[error]string{
		lost(1): "connection reset by peer", lost(2): "connection reset by peer",
		fmt.Errorf("x: %w", refused):          "127.0.0.1:1: connection refused",
		fmt.Errorf("list: %w", forbidden):     forbidden.Error(),
		&url.Error{Err: errors.New("no TLS")}: "no TLS",
		errors.New("plain"):                   "plain",
	} {
		if got := cause(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}
