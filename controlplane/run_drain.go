package controlplane

import (
	"context"
	"time"
)

// linger says everywhere that the server is not ready, and serves on until those
// who send it clients have heard of it (--drain-delay), or a part has ended: then
// failed is that part's error.
func (s *server) linger(ended <-chan error) (early bool, failed error) {
	s.unready()
	delay := s.config.Replica.DrainDelay
	s.config.Log.Info("draining", "after", delay, "over", s.config.Replica.DrainTime)
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return false, nil
	case err := <-ended:
		return true, err
	}
}

// unready makes the admin port and gRPC health say that no new clients should come.
func (s *server) unready() {
	s.draining.Store(true)
	s.xds.Unready()
}

// drain tells the clients to go over --drain-time, and cuts what is left a little
// later.
func (s *server) drain() {
	s.unready()
	over := s.config.Replica.DrainTime
	ctx, stop := context.WithTimeout(context.Background(), over+endTime)
	defer stop()
	s.xds.Drain(ctx, over)
}
