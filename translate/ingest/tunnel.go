package ingest

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// tunnel is nil where none is asked for (reference/destination-rule.md 2.8);
// admission has checked host and port.
func tunnel(t *v1alpha1.Tunnel) *model.Tunnel {
	if t == nil {
		return nil
	}
	out := &model.Tunnel{Post: t.Protocol == "POST"}
	if ip, err := netip.ParseAddr(t.TargetHost); err == nil {
		out.Target = netip.AddrPortFrom(ip, uint16(t.TargetPort)).String()
	} else {
		out.Target = fmt.Sprintf("%s:%d", t.TargetHost, t.TargetPort)
	}
	return out
}

// tunnelled tells what a tunnel keeps out, since only TCP listeners lead into it,
// and of a setting that it makes void.
func tunnelled(s *model.Service, port model.Port, set set) []model.Problem {
	at := set.blocks.At.Tunnel
	if set.policy.Cluster.Tunnel == nil {
		return nil
	}
	info := func(message string) model.Problem {
		return model.Problem{
			Object: at.Object, Field: at.Field, Severity: model.Info, Reason: model.NoEffect,
			Message: fmt.Sprintf("%s port %d: %s", s.Host, port.Number, message),
		}
	}
	var out []model.Problem
	if port.HTTP() || !slices.ContainsFunc(s.Listens, func(l model.Listen) bool { return l.Port == port.Number }) {
		out = append(out, info("no TCP listener leads into the tunnel; HTTP requests are answered 503, never sent past it"))
	}
	if pool := set.blocks.ConnectionPool; pool != nil && pool.HTTP != nil && pool.HTTP.UseClientProtocol {
		out = append(out, info("useClientProtocol is void: the tunnel's client speaks no HTTP"))
	}
	return out
}
