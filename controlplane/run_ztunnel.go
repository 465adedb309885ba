package controlplane

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/coastwise/coastwise/controlplane/snapshot"
	"github.com/coastwise/coastwise/controlplane/xds"
	"github.com/coastwise/coastwise/translate/workload"
)

// DefaultCluster is the id of the cluster where nothing is said.
const DefaultCluster = snapshot.DefaultCluster

// DefaultZtunnels are the service accounts of ztunnels where nothing is said.
func DefaultZtunnels() []string { return []string{"istio-system/ztunnel", "coastwise-system/ztunnel"} }

// ZtunnelConfig is what concerns ztunnels alone.
type ZtunnelConfig struct {
	// Cluster is the id of the cluster, which a ztunnel has as CLUSTER_ID; "" for
	// DefaultCluster.
	Cluster string
	// Accounts are NAMESPACE/SERVICEACCOUNT of ztunnels; none for DefaultZtunnels.
	Accounts []string
}

func (c ZtunnelConfig) mistakes() []error {
	var errs []error
	if strings.ContainsAny(c.Cluster, "/ \t\n") {
		errs = append(errs, fmt.Errorf("--cluster-id: %q: a slash or a space cannot stand in it", c.Cluster))
	}
	for _, account := range c.Accounts {
		namespace, name, ok := strings.Cut(account, "/")
		if !ok || len(validation.IsDNS1123Label(namespace)) > 0 || len(validation.IsDNS1123Subdomain(name)) > 0 {
			errs = append(errs, fmt.Errorf("--ztunnel: %q is not NAMESPACE/SERVICEACCOUNT", account))
		}
	}
	return errs
}

// isZtunnel says whether a client may see the whole mesh.
func (c Config) isZtunnel(v xds.Verified) bool {
	accounts := c.Ztunnels.Accounts
	if len(accounts) == 0 {
		accounts = DefaultZtunnels()
	}
	return slices.Contains(accounts, v.Namespace+"/"+v.ServiceAccount)
}

// mesh is what all workloads have in common.
func (c Config) mesh() workload.Mesh {
	return workload.Mesh{Cluster: cmp.Or(c.Ztunnels.Cluster, DefaultCluster), TrustDomain: cmp.Or(c.Clients.TrustDomain, DefaultTrustDomain)}
}
