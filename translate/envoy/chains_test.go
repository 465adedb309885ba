package envoy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	matcherv3 "github.com/cncf/xds/go/xds/type/matcher/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/coastwise/coastwise/translate/model"
)

// chained is a service with virtual IPs, and its chains.
func chained(name string, vips []string, ports ...model.Port) []Chain {
	s := &model.Service{
		Key: model.ServiceKey("default", name), Name: name, Ports: ports, VIPs: vips,
		Policies: []model.Policy{{}},
	}
	var out []Chain
	for _, p := range ports {
		out = append(out, Chain{Service: s, Port: p.Number, VIPs: vips})
	}
	return out
}

func listenerOf(t *testing.T, e Entrance, chains []Chain) *listenerv3.Listener {
	t.Helper()
	r, err := e.Listener(chains)
	if err != nil {
		t.Fatal(err)
	}
	if err := Validate(r); err != nil {
		t.Fatal(err)
	}
	l := new(listenerv3.Listener)
	if err := proto.Unmarshal(r.Body, l); err != nil {
		t.Fatal(err)
	}
	return l
}

// leads walks a matcher as Envoy does, and gives the chain of each way, by
// "authority" or "IP port".
func leads(t *testing.T, m *matcherv3.Matcher) map[string]string {
	t.Helper()
	out := map[string]string{}
	chainOf := func(on *matcherv3.Matcher_OnMatch) string {
		name := new(wrapperspb.StringValue)
		if err := on.GetAction().GetTypedConfig().UnmarshalTo(name); err != nil {
			t.Fatal(err)
		}
		return name.GetValue()
	}
	for m != nil {
		tree := m.GetMatcherTree()
		for authority, on := range tree.GetExactMatchMap().GetMap() {
			out[authority] = chainOf(on)
		}
		if custom := tree.GetCustomMatch(); custom != nil {
			ranges := new(matcherv3.IPMatcher)
			if err := custom.GetTypedConfig().UnmarshalTo(ranges); err != nil {
				t.Fatal(err)
			}
			for _, r := range ranges.GetRangeMatchers() {
				at := fmt.Sprintf("%s/%d", r.GetRanges()[0].GetAddressPrefix(), r.GetRanges()[0].GetPrefixLen().GetValue())
				for port, on := range r.GetOnMatch().GetMatcher().GetMatcherTree().GetExactMatchMap().GetMap() {
					out[at+" "+port] = chainOf(on)
				}
			}
		}
		m = m.GetOnNoMatch().GetMatcher()
	}
	return out
}

var (
	httpPort = model.Port{Number: 80, Protocol: model.ProtocolHTTP}
	tcpPort  = model.Port{Number: 9000, Protocol: model.ProtocolTCP}
)

func TestEntranceTellsDestinationsApart(t *testing.T) {
	chains := slices.Concat(
		chained("reviews", []string{"10.96.0.10", "fd00::10"}, httpPort, tcpPort),
		chained("headless", nil, httpPort))
	l := listenerOf(t, Entrance{Name: MainInternal, Authority: true, Principal: true}, chains)
	if l.GetInternalListener() == nil || l.GetAddress() != nil {
		t.Error("without an address it is internal")
	}
	got := leads(t, l.GetFilterChainMatcher())
	reviews := ".default.svc.cluster.local"
	for way, chain := range map[string]string{
		"10.96.0.10/32 80":              "outbound|80||reviews" + reviews,
		"10.96.0.10/32 9000":            "outbound|9000||reviews" + reviews,
		"fd00::10/128 80":               "outbound|80||reviews" + reviews,
		"reviews" + reviews + ":80":     "outbound|80||reviews" + reviews,
		"reviews.default:9000":          "outbound|9000||reviews" + reviews,
		"[fd00::10]:80":                 "outbound|80||reviews" + reviews,
		"headless.default.svc:80":       "outbound|80||headless" + reviews,
		"headless" + reviews + ":80":    "outbound|80||headless" + reviews,
		"reviews.default.svc:80":        "outbound|80||reviews" + reviews,
		"reviews" + reviews + ":8080":   "",
		"10.96.0.11/32 80":              "",
		"headless.default:9000":         "",
		"10.96.0.10:80":                 "outbound|80||reviews" + reviews,
		"reviews:80":                    "",
		"10.96.0.10/32 443":             "",
		"headless.default.svc.cluster.": "",
	} {
		if got[way] != chain {
			t.Errorf("%s leads to %q, want %q", way, got[way], chain)
		}
	}
}

// Without a virtual IP nothing leads to a chain of a listener that knows IPs only, and
// Envoy refuses two chains that nothing tells apart.
func TestEntranceDropsWhatNothingLeadsTo(t *testing.T) {
	e := Entrance{Name: WaypointListener, Bind: "127.0.0.1", Port: 15088, Proxied: true, Principal: true}
	for _, c := range []struct {
		name   string
		chains []Chain
		want   string
	}{
		{"none", nil, "nowhere"},
		{"headless only", append(chained("a", nil, httpPort), chained("b", nil, httpPort)...), "nowhere"},
		{"one", append(chained("a", nil, httpPort), chained("b", []string{"10.96.0.1"}, httpPort)...), "outbound|80||b.default.svc.cluster.local"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var names []string
			for _, chain := range listenerOf(t, e, c.chains).GetFilterChains() {
				names = append(names, chain.GetName())
			}
			if got := strings.Join(names, " "); got != c.want {
				t.Errorf("chains %q, want %q", got, c.want)
			}
		})
	}
}

// A change of one service's chain leaves all else of the listener as it is, byte for
// byte: only then Envoy drains nobody else (reference/ambient.md 2).
func TestEntranceUpdatesInPlace(t *testing.T) {
	e := Entrance{Name: WaypointListener, Bind: "127.0.0.1", Port: 15088, Proxied: true, Principal: true}
	one, two := chained("one", []string{"10.96.0.1"}, httpPort), chained("two", []string{"10.96.0.2"}, tcpPort)
	was := listenerOf(t, e, slices.Concat(one, two))
	added := listenerOf(t, e, slices.Concat(one, chained("more", []string{"10.96.0.3"}, httpPort), two))
	byName := func(l *listenerv3.Listener) map[string]proto.Message {
		out := map[string]proto.Message{}
		for _, c := range l.GetFilterChains() {
			out[c.GetName()] = c
		}
		return out
	}
	is := byName(added)
	for name, chain := range byName(was) {
		if !proto.Equal(chain, is[name]) {
			t.Errorf("chain %s changed", name)
		}
	}
	if len(slices.Collect(maps.Keys(is))) != 3 {
		t.Error("the new chain is missing")
	}
	for i, f := range was.GetListenerFilters() {
		if !proto.Equal(f, added.GetListenerFilters()[i]) {
			t.Error("the listener filters changed, so all connections would be drained")
		}
	}
}

func TestEntranceRefuses(t *testing.T) {
	for _, e := range []Entrance{{Name: "x", Bind: "here", Port: 80}, {Name: "x", Bind: "127.0.0.1"}, {Name: "x", Bind: "127.0.0.1", Port: 65536}} {
		if _, err := e.Listener(nil); err == nil {
			t.Errorf("%+v was taken", e)
		}
	}
}

// A matcher that leads nowhere would close connections without a word.
func TestValidateFindsActionsWithoutChain(t *testing.T) {
	e := Entrance{Name: WaypointListener, Bind: "127.0.0.1", Port: 15088}
	l := listenerOf(t, e, chained("one", []string{"10.96.0.1"}, httpPort, tcpPort))
	l.FilterChains = l.FilterChains[:1]
	r, err := encode(ListenerType, l.GetName(), l)
	if err != nil {
		t.Fatal(err)
	}
	if err := Validate(r); err == nil || !strings.Contains(err.Error(), "which is not there") {
		t.Errorf("got %v", err)
	}
}

// What chains pack alike is looked at once, and what one of them packs otherwise still is
// found; so are listener filters that would be in the way.
func TestValidateLooksIntoEveryChain(t *testing.T) {
	e := Entrance{Name: WaypointListener, Bind: "127.0.0.1", Port: 15088, Proxied: true, Principal: true}
	spoilt := func(spoil func(*listenerv3.Listener)) error {
		l := listenerOf(t, e, append(chained("one", []string{"10.96.0.1"}, httpPort), chained("two", []string{"10.96.0.2"}, httpPort)...))
		spoil(l)
		r, err := encode(ListenerType, l.GetName(), l)
		if err != nil {
			t.Fatal(err)
		}
		return Validate(r)
	}
	for want, spoil := range map[string]func(*listenerv3.Listener){
		"filter_chains[1].transport_socket": func(l *listenerv3.Listener) { l.FilterChains[1].TransportSocket = tlsFromFile() },
		"listener_filters: 0 instead of 1":  func(l *listenerv3.Listener) { l.ListenerFilters = nil },
		"listener_filters: 2 instead of 1":  func(l *listenerv3.Listener) { slices.Reverse(l.ListenerFilters) },
	} {
		if err := spoilt(spoil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	err := spoilt(func(l *listenerv3.Listener) {
		l.FilterChains[0].Filters = append(l.FilterChains[0].Filters, networkFilter("x", tlsFromFile()))
	})
	if err == nil || !strings.Contains(err.Error(), "names a file") {
		t.Errorf("%v, want a file in a filter", err)
	}
}

// BenchmarkEntrance builds and validates the listener of 300 services of two ports.
func BenchmarkEntrance(b *testing.B) {
	e := Entrance{Name: WaypointListener, Bind: "127.0.0.1", Port: 15088, Proxied: true, Principal: true}
	var chains []Chain
	for i := range 300 {
		chains = append(chains, chained(fmt.Sprint("s", i), []string{fmt.Sprintf("10.96.%d.%d", i>>8, i&255)}, httpPort, model.Port{Number: 81, Name: "http-b", Protocol: httpPort.Protocol})...)
	}
	for b.Loop() {
		r, err := e.Listener(chains)
		if err != nil {
			b.Fatal(err)
		}
		if err := Validate(r); err != nil {
			b.Fatal(err)
		}
	}
}
