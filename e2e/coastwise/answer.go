package coastwise

import "fmt"

// Answer is the contract of `translate -o json`.
type Answer struct {
	Clusters []Cluster `json:"clusters"`
	Problems []Problem `json:"problems"`
}

// Cluster is one cluster of an Answer.
type Cluster struct {
	Name                   string    `json:"name"`
	Service                string    `json:"service"`
	Port                   uint32    `json:"port"`
	Subset                 string    `json:"subset"`
	OverprovisioningFactor uint32    `json:"overprovisioningFactor"`
	Groups                 []Group   `json:"groups"`
	LeftOut                []LeftOut `json:"leftOut"`
}

// Group is the endpoints of one locality at one priority.
type Group struct {
	Priority uint32 `json:"priority"`
	Locality struct {
		Region  string `json:"region"`
		Zone    string `json:"zone"`
		SubZone string `json:"subZone"`
	} `json:"locality"`
	Weight    uint32     `json:"weight"`
	Endpoints []Endpoint `json:"endpoints"`
}

// Endpoint is one endpoint of a Group.
type Endpoint struct {
	Address string `json:"address"`
	Port    uint32 `json:"port"`
	Weight  uint32 `json:"weight"`
	Health  string `json:"health"`
	// Share is in percent of the cluster's requests.
	Share  float64 `json:"share"`
	Reason string  `json:"reason"`
}

// HostPort is IP:PORT.
func (e Endpoint) HostPort() string { return fmt.Sprintf("%s:%d", e.Address, e.Port) }

// LeftOut is an endpoint that is not sent.
type LeftOut struct {
	Address string `json:"address"`
	Reason  string `json:"reason"`
}

// Problem is a user's mistake.
type Problem struct {
	Object   string `json:"object"`
	Field    string `json:"field"`
	Severity string `json:"severity"`
	Reason   string `json:"reason"`
	Message  string `json:"message"`
	File     string `json:"file"`
	Document int    `json:"document"`
}

// Shares is the share of each endpoint, by IP:PORT, in percent.
func (c Cluster) Shares() map[string]float64 {
	out := map[string]float64{}
	for _, g := range c.Groups {
		for _, e := range g.Endpoints {
			out[e.HostPort()] += e.Share
		}
	}
	return out
}

// One is the only cluster of the answer; any other number is an error.
func (a Answer) One() (Cluster, error) {
	if len(a.Clusters) != 1 {
		return Cluster{}, fmt.Errorf("translate printed %d clusters, not 1", len(a.Clusters))
	}
	return a.Clusters[0], nil
}
