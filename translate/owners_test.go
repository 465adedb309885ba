package translate

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// someServices are of few hosts, so that they clash, each key once and sorted.
func someServices(t *rapid.T) []*model.Service {
	var out []*model.Service
	for _, ns := range []string{"a", "b", "c"} {
		for _, host := range []string{"db.example", "web.a", "web.a.svc.cluster.local"} {
			if rapid.Bool().Draw(t, "there") {
				s := &model.Service{
					Key: model.Key{Namespace: ns, Host: host}, HostField: "spec.hosts[0]",
					Name: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "name"), Created: rapid.Int64Range(0, 2).Draw(t, "created"),
					Addresses: rapid.SampledFrom([][]string{nil, {"10.0.0.1"}, {"2001:db8::1"}}).Draw(t, "addresses"),
					Ports:     []model.Port{{Number: rapid.SampledFrom([]uint32{80, 90}).Draw(t, "port")}},
				}
				s.Object = model.ObjectRef{Kind: "ServiceEntry", Namespace: ns, Name: s.Name}
				out = append(out, s)
			}
		}
	}
	if rapid.Bool().Draw(t, "a Service") {
		out = append(out, &model.Service{
			Key: model.ServiceKey("a", "web"), Name: "web", Object: model.ObjectRef{Kind: "Service", Namespace: "a", Name: "web"},
			Ports: []model.Port{{Number: 80}},
		})
	}
	return out
}

// better is semantics 9.2, said once more.
func better(namespace string, a, b *model.Service) bool {
	if (a.HostField == "") != (b.HostField == "") {
		return a.HostField == ""
	}
	if (a.Namespace == namespace) != (b.Namespace == namespace) {
		return a.Namespace == namespace
	}
	if a.Created != b.Created {
		return a.Created < b.Created
	}
	return a.Namespace+"/"+a.Name < b.Namespace+"/"+b.Name
}

// TestOwners: each host has the one owner that no other beats; the losers, and no
// others, are told; the order of the input does not matter; and of the domains that
// remain contested each is the first owner's, the others being told.
func TestOwners(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		services := someServices(t)
		namespace := rapid.SampledFrom([]string{"a", "b", "other"}).Draw(t, "namespace")
		owners, problems := Owners(namespace, services)
		shuffled, again := Owners(namespace, rapid.Permutation(services).Draw(t, "order"))
		if !slices.Equal(owners, shuffled) || !slices.Equal(problems, again) {
			t.Fatal("the order of the services matters")
		}
		for _, s := range services {
			beaten := slices.ContainsFunc(services, func(o *model.Service) bool {
				return o != s && o.Host == s.Host && better(namespace, o, s)
			})
			if slices.Contains(owners, s) == beaten {
				t.Fatalf("%v in %v: beaten %t", s.Key, owners, beaten)
			}
			told := slices.ContainsFunc(problems, func(p model.Problem) bool {
				return p.Object == s.Object && strings.HasPrefix(p.Message, s.Host+" is the host of ")
			})
			if beaten && !told {
				t.Fatalf("%v is beaten and not told: %v", s.Key, problems)
			}
		}
		domains(t, namespace, owners, problems)
		if _, err := envoy.Routes(model.Proxy{Namespace: namespace}, owners); err != nil {
			t.Fatal(err)
		}
	})
}

func domains(t *rapid.T, namespace string, owners []*model.Service, problems []model.Problem) {
	first := map[string]*model.Service{}
	for _, s := range owners {
		for _, d := range envoy.Domains(namespace, s) {
			if first[d] == nil {
				first[d] = s
			}
			told := slices.ContainsFunc(problems, func(p model.Problem) bool {
				want := " is a domain of " + first[d].Object.String()
				if first[d].Object == s.Object {
					want = " leads to " + first[d].Host + ","
				}
				return p.Object == s.Object && strings.Contains(p.Message, want)
			})
			if first[d] != s && s.HostField != "" && !told {
				t.Fatalf("%v lost %s and is not told: %v", s.Key, d, problems)
			}
		}
	}
}

// TestOwnersOfAddresses: of entries of one age the first by name keeps a virtual IP,
// whatever their hosts, and the other is told where it says the IP, once.
func TestOwnersOfAddresses(t *testing.T) {
	for _, ip := range []string{"10.0.0.1", "2001:db8::1"} {
		var entries []*model.Service
		for name, host := range map[string]string{"a": "z.example", "b": "y.example"} {
			entries = append(entries, &model.Service{
				Key: model.Key{Namespace: "n", Host: host}, HostField: "spec.hosts[0]", Name: name,
				Object:    model.ObjectRef{Kind: "ServiceEntry", Namespace: "n", Name: name},
				Addresses: []string{ip}, Ports: []model.Port{{Number: 80}},
			})
		}
		owners, problems := Owners("other", entries)
		if owners[0].Name != "a" || len(problems) != 1 || problems[0].Object.Name != "b" || problems[0].Field != "spec.addresses" {
			t.Errorf("%s: %s is first, told: %+v", ip, owners[0].Name, problems)
		}
	}
}

// TestOwnersOfServices: where there are only Kubernetes Services all stay, by key.
func TestOwnersOfServices(t *testing.T) {
	var services []*model.Service
	for _, key := range []model.Key{model.ServiceKey("b", "x"), model.ServiceKey("a", "y"), model.ServiceKey("a", "x")} {
		services = append(services, &model.Service{Key: key})
	}
	owners, problems := Owners("b", services)
	if len(problems) > 0 || len(owners) != 3 || owners[0] != services[2] || owners[1] != services[1] || owners[2] != services[0] {
		t.Errorf("%v, %v", owners, problems)
	}
}
