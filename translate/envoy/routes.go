package envoy

import (
	"strconv"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	previoushostsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/retry/host/previous_hosts/v3"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/coastwise/coastwise/translate/model"
)

const (
	portMissing = "coastwise: this service has several ports and none is 80: name one in the Host header\n"
	tunnelOnly  = "coastwise: this port is reached through a tunnel, by a TCP listener only\n"
	hostUnknown = "coastwise: no service of this name and port is visible to this client\n"
)

// Routes is the route table of the HTTP proxy port for a client, of which it looks
// at the kind, the namespace, and the labels as Select does (semantics 9.2).
// A service whose policy hashes has its key there, and one with a tunnel no route,
// by the policy that rules for such a client. Of two claims on a domain the first
// of the services keeps it, since Envoy refuses a whole table for one repeated domain.
//
// It fails on a string that is not UTF-8.
func Routes(client model.Proxy, services []*model.Service) (Resource, error) {
	client = routing(client)
	t := table{seen: make(map[string]bool, 8*len(services)), connect: Connects(client)}
	for _, s := range services {
		t.add(s, hostNames(client.Namespace, s), client)
	}
	t.unknown()
	return encode(RouteType, RouteName, &routev3.RouteConfiguration{
		Name:             RouteName,
		VirtualHosts:     t.hosts,
		ValidateClusters: wrapperspb.Bool(false),
	})
}

// unknown answers for every other host, last.
func (t *table) unknown() {
	routes := []*routev3.Route{direct(502, hostUnknown)}
	if t.connect {
		routes = append([]*routev3.Route{reenterByAddress(), refuseConnect()}, routes...)
	}
	t.host([]string{"*"}, routes...)
}

// routing is what routes look at of a client.
func routing(p model.Proxy) model.Proxy {
	out := model.Proxy{Kind: p.Kind, Namespace: p.Namespace, Labels: p.Labels}
	if Connects(p) {
		out.Internal, out.Connect, out.HTTPProxyPort = true, true, 1
	}
	return out
}

// Domains are all that a service claims in the routes of clients of a namespace,
// with and without port; translate.Owners says who keeps which.
func Domains(clientNamespace string, s *model.Service) []string {
	names := hostNames(clientNamespace, s)
	out := make([]string, 0, len(names)*(len(s.Ports)+1))
	for _, p := range s.Ports {
		for _, n := range names {
			out = append(out, n+portSuffix(p))
		}
	}
	if len(s.Ports) > 0 {
		out = append(out, names...)
	}
	return out
}

func portSuffix(p model.Port) string { return ":" + strconv.FormatUint(uint64(p.Number), 10) }

// hostNames are what a Host header may say for a service: its names, and its
// virtual IPs.
func hostNames(clientNamespace string, s *model.Service) []string {
	names := shortNames(clientNamespace, s)
	for _, ip := range s.Addresses {
		names = append(names, bracketed(ip))
	}
	return names
}

// shortNames are all the names of a service, the full one first.
func shortNames(clientNamespace string, s *model.Service) []string {
	names := []string{s.Host}
	if s.Key != model.ServiceKey(s.Namespace, s.Name) {
		return names
	}
	names = append(names, s.Name+"."+s.Namespace+".svc", s.Name+"."+s.Namespace)
	if s.Namespace == clientNamespace {
		names = append(names, s.Name)
	}
	return names
}

// defaultPort is what a Host without a port means: 80 if served, else the only
// port, else nothing.
func defaultPort(ports []model.Port) (uint32, bool) {
	for _, p := range ports {
		if p.Number == 80 {
			return 80, true
		}
	}
	if len(ports) == 1 {
		return ports[0].Number, true
	}
	return 0, false
}

// table is a route table as it grows. A domain is in seen once it has an owner.
type table struct {
	hosts []*routev3.VirtualHost
	seen  map[string]bool
	// connect says that CONNECT to a port of a service enters the outbound listener.
	connect bool
}

func (t *table) add(s *model.Service, names []string, client model.Proxy) {
	bare, ok := defaultPort(s.Ports)
	for _, p := range s.Ports {
		suffix := portSuffix(p)
		domains := make([]string, 0, 2*len(names))
		for _, n := range names {
			domains = append(domains, n+suffix)
		}
		if ok && p.Number == bare {
			domains = append(domains, names...)
		}
		t.host(domains, t.reentering(RouteList(s, p, settingsFor(s, client, p.Number), model.Plain))...)
	}
	if !ok && len(s.Ports) > 0 {
		t.host(names, direct(404, portMissing))
	}
}

// host adds a virtual host for those of the domains that have no owner yet. It
// is named by the first of them, so names are as unique as domains.
func (t *table) host(domains []string, routes ...*routev3.Route) {
	free := make([]string, 0, len(domains))
	for _, d := range domains {
		if !t.seen[d] {
			t.seen[d] = true
			free = append(free, d)
		}
	}
	if len(free) > 0 {
		t.hosts = append(t.hosts, &routev3.VirtualHost{Name: free[0], Domains: free, Routes: routes})
	}
}

func direct(status uint32, body string) *routev3.Route {
	return &routev3.Route{
		Match: everything(),
		Action: &routev3.Route_DirectResponse{DirectResponse: &routev3.DirectResponseAction{
			Status: status,
			Body:   &corev3.DataSource{Specifier: &corev3.DataSource_InlineString{InlineString: body}},
		}},
	}
}

func everything() *routev3.RouteMatch {
	return &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: "/"}}
}

// retryPolicy repeats only what no backend has begun to serve, elsewhere.
func retryPolicy() *routev3.RetryPolicy {
	return &routev3.RetryPolicy{
		RetryOn:    "connect-failure,refused-stream,reset-before-request",
		NumRetries: wrapperspb.UInt32(2),
		RetryHostPredicate: []*routev3.RetryPolicy_RetryHostPredicate{{
			Name: "envoy.retry_host_predicates.previous_hosts",
			ConfigType: &routev3.RetryPolicy_RetryHostPredicate_TypedConfig{
				TypedConfig: pack(&previoushostsv3.PreviousHostsPredicate{}),
			},
		}},
		HostSelectionRetryMaxAttempts: 5,
	}
}
