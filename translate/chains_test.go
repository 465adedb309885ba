package translate

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coastwise/coastwise/translate/model"
)

// none is a ServiceEntry that goes where its client goes.
func none(name string, blocks []string, ports ...model.Port) *model.Service {
	return &model.Service{
		Key: model.Key{Namespace: "shop", Host: name + ".example"}, Name: name, HostField: "spec.hosts[0]",
		Object:     model.ObjectRef{Kind: "ServiceEntry", Namespace: "shop", Name: name},
		Resolution: model.OriginalDestination, Blocks: blocks, Ports: ports,
		Policies: []model.Policy{{Algorithm: model.Passthrough}},
	}
}

// Of what two claim the first of the services has it, and the other is told.
func TestChainsOfBlocksAndPorts(t *testing.T) {
	tcp := func(n uint32) model.Port { return model.Port{Number: n, Protocol: model.ProtocolTCP} }
	http := func(n uint32) model.Port { return model.Port{Number: n, Protocol: model.ProtocolHTTP} }
	services := []*model.Service{
		none("first", []string{"10.0.0.0/8", "10.1.0.0/16"}, tcp(9000)),
		none("second", []string{"10.1.0.0/16", "10.2.0.0/16"}, tcp(9000), tcp(9001)),
		none("tcp", nil, tcp(7000), tcp(7001)),
		none("late", nil, tcp(7000), http(7001)),
		none("web", nil, http(80)),
		none("api", nil, http(80)),
		none("raw", nil, tcp(80)),
	}
	of := func(captured bool) (ways, told []string) {
		chains, problems := Chains(services, captured, func(*model.Service, uint32) model.PolicyID { return 0 })
		for _, c := range chains {
			ways = append(ways, fmt.Sprintf("%s:%d %s %v", c.Service.Name, c.Port, strings.Join(c.Blocks, " "), c.Alone))
		}
		for _, p := range problems {
			told = append(told, fmt.Sprintf("%s %s %s", p.Object.Name, p.Field, p.Reason))
		}
		return ways, told
	}
	ways, told := of(true)
	if diff := cmp.Diff([]string{
		"first:9000 10.0.0.0/8 10.1.0.0/16 false", "second:9000 10.2.0.0/16 false", "second:9001 10.1.0.0/16 10.2.0.0/16 false",
		"tcp:7000  true", "tcp:7001  true", "late:7000  false", "late:7001  false", "web:80  true", "api:80  true", "raw:80  false",
	}, ways); diff != "" {
		t.Errorf("captured (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"late spec.ports Conflicted", "late spec.ports Conflicted", "raw spec.ports Conflicted", "second spec.addresses Conflicted",
	}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	ways, told = of(false)
	if slices.ContainsFunc(ways, func(w string) bool { return !strings.HasSuffix(w, "  false") }) || len(told) > 0 {
		t.Errorf("a waypoint's: %q, told %q", ways, told)
	}
}
