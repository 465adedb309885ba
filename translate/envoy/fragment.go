package envoy

import (
	"slices"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/coastwise/coastwise/translate/model"
)

// Fragment is what one service adds to Routes, encoded and validated: a table of
// many services is made of those that are there already. Never modified.
type Fragment struct {
	hosts []byte
	// names are those of which its domains are made, with ports or without.
	names []string
	// standard says that they are a Kubernetes Service's, which no other one can have.
	standard bool
}

// RouteFragment is what Routes looks at of a client and one service.
//
// It fails where Routes would, or gives what may not be sent.
func RouteFragment(client model.Proxy, s *model.Service) (Fragment, error) {
	client = routing(client)
	f := Fragment{names: hostNames(client.Namespace, s), standard: s.HostField == "" && s.Key == model.ServiceKey(s.Namespace, s.Name)}
	t := table{seen: map[string]bool{}, connect: Connects(client)}
	t.add(s, f.names, client)
	head, err := encode(RouteType, RouteName, &routev3.RouteConfiguration{Name: RouteName})
	if err != nil {
		return Fragment{}, err
	}
	r, err := encode(RouteType, RouteName, &routev3.RouteConfiguration{Name: RouteName, VirtualHosts: t.hosts})
	if err == nil {
		err = Validate(r)
	}
	if err != nil {
		return Fragment{}, err
	}
	f.hosts = r.Body[len(head.Body):] // fields are marshalled in the order of their numbers
	return f, nil
}

// JoinRoutes gives the bytes of Routes for the services behind fragments, in their
// order, with connect for clients that may CONNECT; ok is false if two of them may claim
// one domain, so that only Routes can tell whose it is.
func JoinRoutes(fragments []Fragment, connect bool) (r Resource, ok bool) {
	if !disjoint(fragments) {
		return Resource{}, false
	}
	t := table{seen: map[string]bool{}, connect: connect}
	t.unknown()
	head, err := encode(RouteType, RouteName, &routev3.RouteConfiguration{Name: RouteName})
	if err != nil {
		return Resource{}, false
	}
	tail, err := encode(RouteType, RouteName, &routev3.RouteConfiguration{
		VirtualHosts: t.hosts, ValidateClusters: wrapperspb.Bool(false),
	})
	if err != nil {
		return Resource{}, false
	}
	parts := make([][]byte, 0, len(fragments)+2)
	parts = append(parts, head.Body)
	for i := range fragments {
		parts = append(parts, fragments[i].hosts)
	}
	body := slices.Concat(append(parts, tail.Body)...)
	return Resource{TypeURL: RouteType, Name: RouteName, Version: Version(body), Body: body}, true
}

// disjoint says that no name stands twice. The names of Services are by their
// making, so only those of others are kept.
func disjoint(fragments []Fragment) bool {
	others := map[string]bool{}
	for i := range fragments {
		if fragments[i].standard {
			continue
		}
		for _, name := range fragments[i].names {
			if others[name] || name == "*" {
				return false
			}
			others[name] = true
		}
	}
	if len(others) == 0 {
		return true
	}
	return !slices.ContainsFunc(fragments, func(f Fragment) bool {
		return f.standard && slices.ContainsFunc(f.names, func(name string) bool { return others[name] })
	})
}
