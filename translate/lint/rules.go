package lint

import "github.com/coastwise/coastwise/translate/model"

// ruleZero is the one whose findings admission also reports, for those who do not lint.
const ruleZero = "explicit-zero"

// Rules is the table: rows D1 to D15 of the design in order, then the others.
func Rules() []Rule { return append(designRows(), otherRows()...) }

// designRows are D1 to D15 (reference/destination-rule.md 4.1).
func designRows() []Rule {
	return []Rule{
		{
			ID: "D1-outlier-does-not-pin", Severity: model.Warning, find: outlierDoesNotPin,
			Title: "outlierDetection does not keep traffic in its zone",
			Istio: "locality is on for the whole mesh, so outlierDetection, even {}, pins requests to the client's zone",
			Here:  "outlierDetection only ejects; locality is off until a rule, the Service or the mesh asks for it",
			Keep:  "loadBalancer: {localityLbSetting: {enabled: true}} beside this outlierDetection",
		},
		{
			ID: "D2-failover-by-readiness", Severity: model.Warning, find: failoverByReadiness,
			Title: "locality acts without outlierDetection",
			Istio: "localityLbSetting without outlierDetection for the same port and subset does nothing",
			Here:  "it acts: readiness alone moves traffic, and ejection comes on top of it",
			Keep:  "localityLbSetting: {enabled: false}, until outlierDetection is added",
		},
		{
			ID: "D3-distribute-with-failover", Severity: model.Warning, find: distributeWithFailover,
			Title: "distribute has a way out",
			Istio: "distribute and failover together are refused; failoverPriority beside distribute is ignored",
			Here:  "what distribute lists comes first, all others follow as lower priorities in the order of failover and failoverPriority",
			Keep:  "distribute alone: it is strict in both",
		},
		{
			ID: "D4-failover-threshold", Severity: model.Info, find: failoverThreshold,
			Title: "the spill point is chosen",
			Istio: "traffic leaves a priority below 71.4 % healthy endpoints, always",
			Here:  "failoverThreshold says below what; unset is Istio's 71.4 %",
			Keep:  "no failoverThreshold",
		},
		{
			ID: "D5-most-specific-pattern", Severity: model.Warning, find: mostSpecificPattern,
			Title: "the most specific pattern counts",
			Istio: "the first from that matches counts, and a pattern before one that it covers is refused; of to, a map, order and verdict are random",
			Here:  "the most specific from and to count, whatever their order",
			Keep:  "patterns that do not overlap, or in from the specific ones first",
		},
		{
			ID: "D6-exact-shares", Severity: model.Info, find: exactShares,
			Title: "shares are exact",
			Istio: "each locality's part of a share is rounded up, so that their sum is more than was written",
			Here:  "parts are exact to 1 in 10,000 and add up",
			Keep:  "nothing: shares become what the rule says",
		},
		{
			ID: "D7-dns-one-path", Severity: model.Warning, find: dnsOnePath,
			Title: "DNS hosts have locality like any other",
			Istio: "failoverPriority is ignored for subsets and waypoints of a DNS host, and with endpoints in two localities it crashes the control plane",
			Here:  "one function for all hosts; any number of localities",
			Keep:  "no failoverPriority for this host",
		},
		{
			ID: "D8-mesh-default-outliers", Severity: model.Info, find: meshDefaultOutliers,
			Title: "the mesh's outlierDetection is the same everywhere",
			Istio: "clusters get the mesh's default, but whether failover acts is read from the rule alone; waypoints get no default",
			Here:  "one policy is resolved for a client and decides both",
			Keep:  "outlierDetection in each rule",
		},
		{
			ID: "D9-unready-never-chosen", Severity: model.Warning, find: unreadyNeverChosen,
			Title: "panic never reaches unready endpoints",
			Istio: "below minHealthPercent all endpoints are used, unready ones too",
			Here:  "with minHealthPercent above 0 unready endpoints are left out, so that readiness counts only once a priority is empty",
			Keep:  "nothing: an unready endpoint never gets requests",
		},
		{
			ID: "D10-locality-of-slices", Severity: model.Info, find: localityOfSlices,
			Title: "endpoints without a Pod have a locality",
			Istio: "an endpoint without a Pod has no locality, and distribute leaves it out",
			Here:  "its slice's zone and its Node say where it is",
			Keep:  "remove zone and nodeName from these endpoints",
		},
		{
			ID: "D11-hints-are-followed", Severity: model.Warning, find: hintsAreFollowed,
			Title: "hints and trafficDistribution act as in kube-proxy",
			Istio: "trafficDistribution makes tiers by labels, with a gradual spill; hints and topology-mode are ignored",
			Here:  "the endpoints that kube-proxy would use come first, with its safeguards: same zone until its last ready endpoint is gone",
			Keep:  "a DestinationRule with localityLbSetting: {enabled: true}, which spills gradually",
		},
		{
			ID: "D12-remote-gateways", Severity: model.Info,
			Title: "gateways of other networks keep their place",
			Istio: "endpoints behind a gateway lose their region and zone labels",
			Here:  "no gateways of networks are served yet: every address is taken as reachable",
			Keep:  "nothing",
		},
		{
			ID: "D13-zone-aware", Severity: model.Warning, find: zoneAware,
			Title: "zoneAwareLbSetting is not Envoy's zone-aware routing",
			Istio: "sidecars route by zone if their bootstrap knows the local cluster, and are silent otherwise",
			Here:  "it is not honoured yet (NotHonoured)",
			Keep:  "localityLbSetting: {enabled: true}, which spills by health, not by capacity",
		},
		{
			ID: "D14-no-locality-weights", Severity: model.Info, find: noLocalityWeights,
			Title: "failover does not weigh localities",
			Istio: "explicit failover or failoverPriority makes Envoy choose the locality first, and balance only inside it",
			Here:  "a priority is one pool: requests go to any of its endpoints by the algorithm",
			Keep:  "nothing keeps it; distribute weighs localities",
		},
		{
			ID: "D15-decisions-visible", Severity: model.Info,
			Title: "decisions can be asked for",
			Istio: "no tool says which priority, weight or share an endpoint has, and why",
			Here:  "coastwise translate prints them",
			Keep:  "nothing",
		},
	}
}

// otherRows are differences that the design names elsewhere, and those of names.
func otherRows() []Rule {
	return []Rule{
		{
			ID: ruleZero, Severity: model.Warning, find: explicitZero,
			Title: "0 means 0",
			Istio: "0 is read as if the field were absent",
			Here:  "0 is 0; only an absent field has the default",
			Keep:  "remove the field",
		},
		{
			ID: "field-not-in-istio", Severity: model.Info, find: fieldNotInIstio,
			Title: "Istio has no such field",
			Istio: "the field is unknown",
			Here:  "it acts as the manual says; under networking.istio.io it is refused",
			Keep:  "remove the field",
		},
		{
			ID: "host-name-namespace", Severity: model.Warning, find: hostNameNamespace,
			Title: "NAME.NAMESPACE is that Service",
			Istio: "only a host without a dot is completed: this one is a host of that very name, and matches no Service",
			Here:  "NAME.NAMESPACE and NAME.NAMESPACE.svc are the Service, so the rule acts",
			Keep:  "remove the rule, which did nothing",
		},
		{
			ID: "istio-kind-not-read", Severity: model.Info, find: istioKindNotRead,
			Title: "this kind is not read",
			Istio: "the object acts",
			Here:  "it is skipped, and nothing acts in its place",
			Keep:  "leave it to Istio, or do without it",
		},
		{
			ID: "maglev-default", Severity: model.Info, find: maglevDefault,
			Title: "maglev has a default size",
			Istio: "maglev without tableSize is refused",
			Here:  "65537, Envoy's default",
			Keep:  "maglev: {tableSize: 65537}",
		},
		{
			ID: "mesh-wide-locality", Severity: model.Info, find: meshWideLocality,
			Title: "locality of the mesh is for all services",
			Istio: "it acts on services with outlierDetection only",
			Here:  "it acts on every service about which no rule and no Service speaks",
			Keep:  "localityLbSetting in the rules that have outlierDetection, and none for the mesh",
		},
		{
			ID: "root-namespace", Severity: model.Warning, find: rootNamespace,
			Title: "rules for all namespaces stand elsewhere",
			Istio: "rules in istio-system hold for clients of all namespaces",
			Here:  "the root namespace is that of MeshConfig.spec.rootNamespace; here this rule holds for clients of istio-system only, or services there",
			Keep:  "MeshConfig: {spec: {rootNamespace: istio-system}}",
		},
		{
			ID: "same-node-sub-zone", Severity: model.Info, find: sameNode,
			Title: "PreferSameNode by annotation has no tier of the sub-zone",
			Istio: "the tiers are network, region, zone, sub-zone and Node",
			Here:  "the tiers are network, region, zone and Node",
			Keep:  "a DestinationRule whose failoverPriority lists all five labels",
		},
		{
			ID: "unknown-is-not-equal", Severity: model.Info, find: unknownIsNotEqual,
			Title: "unknown places are not equal",
			Istio: "a client and an endpoint that both lack region, zone, sub-zone, Node or network agree in it",
			Here:  "unknown never matches: such endpoints come in a later tier",
			Keep:  "label what has no place; ordinary labels compare as in Istio",
		},
		{
			ID: "weight-zero", Severity: model.Warning, find: weightZero,
			Title: "weight 0 drains",
			Istio: "weight 0 is read as 1",
			Here:  "the endpoint gets no requests",
			Keep:  "remove weight",
		},
	}
}
