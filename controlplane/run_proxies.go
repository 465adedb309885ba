package controlplane

import (
	"github.com/coastwise/coastwise/controlplane/snapshot"
	"github.com/coastwise/coastwise/controlplane/xds"
	"github.com/coastwise/coastwise/translate/model"
)

// proxies are the streams of this server, each with the Problems that concern it.
func (s *server) proxies() []xds.ProxyInfo {
	list := s.xds.Proxies()
	told := s.hub.ProxyProblems()
	for i := range list {
		p := &list[i]
		p.Problems = append(p.Problems, told[p.ID]...)
		for _, r := range p.Refusals() {
			p.Problems = append(p.Problems, s.hub.Rejected(snapshot.Refusal(r)))
		}
		p.Problems = model.SortProblems(p.Problems)
	}
	return list
}

// singleProblems are the Problems that concern single proxies of this server: nobody else
// has these proxies, so that the leader would not know.
func (s *server) singleProblems() []model.Problem {
	var out []model.Problem
	for _, problems := range s.hub.ProxyProblems() {
		out = append(out, problems...)
	}
	return model.SortProblems(out)
}
