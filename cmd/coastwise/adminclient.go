package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// adminPatience is how long the admin port may take to answer.
const adminPatience = 5 * time.Second

// adminClient asks a running server over its admin port.
type adminClient struct {
	address string // HOST:PORT
	http    *http.Client
}

// newAdminClient makes a client of the server at HOST:PORT. No proxy of the
// environment stands in between: the port is an operator's own.
func newAdminClient(address string) (*adminClient, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" {
		return nil, usagef("--server: %q: want HOST:PORT of the server's --admin", address)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return nil, usagef("--server: %q: %q is no port", address, port)
	}
	return &adminClient{address: address, http: &http.Client{Transport: &http.Transport{}, Timeout: adminPatience}}, nil
}

// unreachableError says that no server answers: exit code 5.
type unreachableError struct {
	address string
	err     error
}

func (e unreachableError) Error() string {
	return fmt.Sprintf("no server answers at %s: %v; is `coastwise serve` running, and is --server its --admin?", e.address, e.err)
}

func (e unreachableError) Unwrap() error { return e.err }

// proxies is what /proxies says of all replicas.
func (c *adminClient) proxies(ctx context.Context) (proxyList, error) {
	var out proxyList
	return out, c.get(ctx, "/proxies?replicas=all", &out)
}

// get reads the JSON at a path.
func (c *adminClient) get(ctx context.Context, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.address+path, nil)
	if err != nil {
		return usagef("--server: %q: %v", c.address, err)
	}
	response, err := c.http.Do(request)
	if ctx.Err() != nil {
		return ctx.Err() // we were interrupted
	}
	if err != nil {
		return unreachableError{c.address, cause(err)}
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	kind := response.Header.Get("Content-Type")
	if response.StatusCode != http.StatusOK || !strings.HasPrefix(kind, "application/json") {
		return fmt.Errorf("http://%s%s: answered %s, %q: that is no admin port of coastwise", c.address, path, response.Status, kind)
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return fmt.Errorf("http://%s%s: %w", c.address, path, err)
	}
	return nil
}

// cause is an error without the request that it repeats.
func cause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		if op, ok := inner.(*net.OpError); ok && op.Err != nil { //nolint:errorlint // each layer is looked at
			return op.Err
		}
		err = inner
	}
}
