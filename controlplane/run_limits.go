package controlplane

import (
	"cmp"
	"fmt"
	"time"

	"github.com/coastwise/coastwise/controlplane/xds"
)

// LimitsConfig is what of the limits of the xDS port can be set; 0 is the default,
// that of xds.DefaultServerLimits.
type LimitsConfig struct {
	// Connections is how many connections the port takes, StreamsPerSecond how many
	// streams may begin in a second.
	Connections, StreamsPerSecond int
	// ConnectionAge is after how long a client is asked to connect anew.
	ConnectionAge time.Duration
}

// shortestAge is the shortest ConnectionAge: a client that connects anew costs as
// much as all that it holds.
const shortestAge = time.Minute

// mistakes are what is wrong with the flags.
func (c LimitsConfig) mistakes() []error {
	var errs []error
	for _, n := range []struct {
		flag  string
		value int
	}{{"--max-connections", c.Connections}, {"--max-streams-per-second", c.StreamsPerSecond}} {
		if n.value < 0 {
			errs = append(errs, fmt.Errorf("%s: %d is negative", n.flag, n.value))
		}
	}
	if c.ConnectionAge != 0 && c.ConnectionAge < shortestAge {
		errs = append(errs, fmt.Errorf("--connection-age: %s is less than %s", c.ConnectionAge, shortestAge))
	}
	return errs
}

// server is every limit.
func (c LimitsConfig) server() xds.ServerLimits {
	l := xds.DefaultServerLimits()
	l.Connections = cmp.Or(c.Connections, l.Connections)
	l.StreamsPerSecond = cmp.Or(c.StreamsPerSecond, l.StreamsPerSecond)
	l.ConnectionAge = cmp.Or(c.ConnectionAge, l.ConnectionAge)
	return l
}
