package kube_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/kube"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// A dual-stack Service is one endpoint for each Pod, by the Service's first family; the
// Pod's other address is an additional one of it.
func TestDualStack(t *testing.T) {
	s := newScene(t)
	ns := s.Cluster.Namespace(t, "dual")
	n := s.Zones(ns, "eu/here", "eu/there")
	four := []string{s.Cluster.Address(t), s.Cluster.Address(t)}
	six := []string{"fd00:10::1", "fd00:10::2"}
	for i, node := range n {
		s.Cluster.Pod(t, cluster.Pod{
			Namespace: ns, Name: fmt.Sprint("shop-", i), Node: node, Labels: map[string]string{"app": "shop"}, IPs: []string{four[i], six[i]},
		})
	}
	const dual = "  ipFamilyPolicy: RequireDualStack\n  ipFamilies: [%s]\n"
	s.Cluster.Apply(t, manifest.Join(
		service(ns, "shop", fmt.Sprintf(dual, "IPv4, IPv6")),
		strings.Replace(service(ns, "shop", fmt.Sprintf(dual, "IPv6, IPv4")), "name: shop\n", "name: six\n", 1),
		manifest.Rule(ns, "shop", "shop", ownZone), manifest.Rule(ns, "six", "six", ownZone)))
	client := s.Envoy(ns, n[0])
	for service, want := range map[string][]string{
		"shop": {"P0 " + four[0] + " and " + six[0], "P1 " + four[1] + " and " + six[1]},
		"six":  {"P0 " + six[0] + " and " + four[0], "P1 " + six[1] + " and " + four[1]},
	} {
		cluster.Eventually(t, kube.Patience, func() error {
			got, err := addresses(client, kube.Outbound(ns, service))
			if err == nil && !slices.Equal(got, want) {
				err = fmt.Errorf("%s: Envoy's config dump has %q, not %q", service, got, want)
			}
			return err
		})
	}
}

// dump is the part of Envoy's /config_dump that is read.
type dump struct {
	Configs []struct {
		Endpoints []struct {
			Config struct {
				Name      string `json:"cluster_name"`
				Endpoints []struct {
					Priority int `json:"priority"`
					Members  []struct {
						Endpoint struct {
							address
							Additional []address `json:"additional_addresses"`
						} `json:"endpoint"`
					} `json:"lb_endpoints"`
				} `json:"endpoints"`
			} `json:"endpoint_config"`
		} `json:"dynamic_endpoint_configs"`
	} `json:"configs"`
}

type address struct {
	Address struct {
		Socket struct {
			Address string `json:"address"`
		} `json:"socket_address"`
	} `json:"address"`
}

// addresses is a line for each endpoint of a cluster in Envoy's config dump.
func addresses(c *kube.Client, name string) ([]string, error) {
	page, err := c.Get(context.Background(), "/config_dump?include_eds")
	if err != nil {
		return nil, err
	}
	var d dump
	if err := json.Unmarshal(page, &d); err != nil {
		return nil, err
	}
	var out []string
	for _, config := range d.Configs {
		for _, e := range config.Endpoints {
			if e.Config.Name != name {
				continue
			}
			for _, group := range e.Config.Endpoints {
				for _, m := range group.Members {
					line := fmt.Sprintf("P%d %s", group.Priority, m.Endpoint.Address.Socket.Address)
					for _, other := range m.Endpoint.Additional {
						line += " and " + other.Address.Socket.Address
					}
					out = append(out, line)
				}
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

// A Service that is labelled for another proxy is not served, one that is labelled
// for coastwise is, and the label may change at any time.
func TestServiceProxyName(t *testing.T) {
	s := newScene(t)
	ns := s.Cluster.Namespace(t, "label")
	n := s.Zones(ns, "eu/here")
	ips := s.Pods(ns, "shop", n[0])
	label := func(service, value string) {
		s.Cluster.Kubectl(t, "label", "service", service, "-n", ns, "--overwrite", "service.kubernetes.io/service-proxy-name"+value)
	}
	for _, name := range []string{"shop", "ours", "theirs"} {
		s.Cluster.Apply(t, strings.Replace(service(ns, "shop", ""), "name: shop\n", "name: "+name+"\n", 1))
	}
	label("ours", "=coastwise")
	label("theirs", "=other")
	client := s.Envoy(ns, n[0])
	client.Holds(kube.Outbound(ns, "shop"), ips)
	client.Holds(kube.Outbound(ns, "ours"), ips)
	client.HasNot(kube.Outbound(ns, "theirs"))
	stream := client.Stream("ours." + ns)

	label("theirs", "=coastwise")
	client.Holds(kube.Outbound(ns, "theirs"), ips)
	label("shop", "=other")
	client.HasNot(kube.Outbound(ns, "shop"))
	label("shop", "-")
	client.Holds(kube.Outbound(ns, "shop"), ips)
	s.Only(stream.End(), ips...)
}
