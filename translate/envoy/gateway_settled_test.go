package envoy

import (
	"slices"
	"testing"

	"github.com/coastwise/coastwise/translate/model"
)

// What a route's backends say of it: one that is broken stays so, one with a tunnel
// becomes so, one without weight says nothing, and no copy goes past a tunnel.
func TestRoutesAsTheirBackendsAllowThem(t *testing.T) {
	to := func(name string) model.BackendTarget {
		return model.BackendTarget{Key: model.ServiceKey("shop", name), Port: 80}
	}
	broken := to("broken")
	broken.Broken = true
	unused, first, second := &model.Hash{Header: "x-unused"}, &model.Hash{Header: "x-first"}, &model.Hash{Header: "x-second"}
	of := func(b model.BackendTarget) model.ClusterSettings {
		switch b.Key {
		case to("tunnel").Key:
			return model.ClusterSettings{Tunnel: &model.Tunnel{Target: "a.example:443"}}
		case to("unused").Key:
			return model.ClusterSettings{Hash: unused}
		case to("first").Key:
			return model.ClusterSettings{Hash: first}
		case to("second").Key:
			return model.ClusterSettings{Hash: second}
		case broken.Key:
			t.Error("what does not exist is asked for its settings")
		}
		return model.ClusterSettings{}
	}
	in := model.Route{
		Backends: []model.Backend{
			{To: broken, Weight: 1}, {To: to("unused")}, {To: to("tunnel"), Weight: 1}, {To: to("first"), Weight: 1}, {To: to("second"), Weight: 1},
		},
		Mirrors: []model.Mirror{{To: broken}, {To: to("tunnel")}, {To: to("plain")}},
	}
	r, hash := settled(in, of)
	if hash != first {
		t.Errorf("the hash key is %+v", hash)
	}
	var got []bool
	for _, b := range r.Backends {
		got = append(got, b.To.Broken)
	}
	if !slices.Equal(got, []bool{true, false, true, false, false}) {
		t.Errorf("broken: %v", got)
	}
	if len(r.Mirrors) != 2 || r.Mirrors[0].To != broken || r.Mirrors[1].To != to("plain") {
		t.Errorf("mirrors to %+v", r.Mirrors)
	}
	if in.Backends[2].To.Broken || len(in.Mirrors) != 3 {
		t.Error("the route itself was changed")
	}
}

// An edge holds nothing for clients that do not use it.
func TestEdgeLimits(t *testing.T) {
	m := edgeManager("edge", "routes")
	h2 := m.GetHttp2ProtocolOptions()
	if m.GetCommonHttpProtocolOptions().GetIdleTimeout().AsDuration() != edgeIdle ||
		h2.GetInitialStreamWindowSize().GetValue() != edgeStreamWindow || h2.GetInitialConnectionWindowSize().GetValue() != edgeWindow {
		t.Errorf("%v", m)
	}
}
