package controlplane

import (
	"github.com/coastwise/coastwise/controlplane/snapshot"
	"github.com/coastwise/coastwise/controlplane/xds"
	"github.com/coastwise/coastwise/translate/model"
)

// hub lets streams join a snapshot.Hub: xds says what it needs of a hub in its
// own words, so that neither package imports the other.
type hub struct{ *snapshot.Hub }

// Join implements xds.Hub.
func (h hub) Join(claims model.Proxy) (xds.Member, error) {
	if claims.Kind == model.Ztunnel {
		return ztunnel{h.JoinZtunnel(claims)}, nil
	}
	m, err := h.Hub.Join(claims)
	if err != nil {
		return nil, err
	}
	return member{m}, nil
}

type member struct{ *snapshot.Member }

// Observe implements xds.Member.
func (m member) Observe(progress func() xds.Progress) {
	m.Member.Observe(func() snapshot.Progress { return snapshot.Progress(progress()) })
}

// Take implements xds.Member.
func (m member) Take() xds.Update {
	u := m.Member.Take()
	return xds.Update{Source: u.View, Names: u.Names, Scope: u.Scope, All: u.All, Since: u.Since}
}

// ztunnel implements xds.Member: it is told of everything, so it need not say what it
// follows, and no status hangs on how far it is.
type ztunnel struct{ *snapshot.Ztunnel }

// Take implements xds.Member.
func (z ztunnel) Take() xds.Update {
	u := z.Ztunnel.Take()
	return xds.Update{Source: u.Table, Names: u.Names, All: u.All, Since: u.Since}
}

// Watch implements xds.Member.
func (ztunnel) Watch([]string) {}

// Unwatch implements xds.Member.
func (ztunnel) Unwatch([]string) {}

// WatchAll implements xds.Member.
func (ztunnel) WatchAll(bool) {}

// Observe implements xds.Member.
func (ztunnel) Observe(func() xds.Progress) {}
