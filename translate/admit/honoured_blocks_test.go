package admit

import (
	"slices"
	"strings"
)

// wholeBlocks are the blocks of which every field is honoured.
var wholeBlocks = []string{
	"spec.trafficPolicy.outlierDetection.",
	"spec.defaultTrafficPolicy.outlierDetection.",
	"spec.trafficPolicy.connectionPool.",
	"spec.trafficPolicy.loadBalancer.consistentHash.",
	"spec.trafficPolicy.loadBalancer.warmup.",
	"spec.trafficPolicy.loadBalancer.warmupDurationSecs",
	"spec.trafficPolicy.retryBudget.",
	"spec.defaultTrafficPolicy.connectionPool.",
	"spec.connectTimeout",
	"spec.tcpKeepalive.",
	"spec.h2UpgradePolicy",
}

func inWholeBlock(at string) bool {
	return slices.ContainsFunc(wholeBlocks, func(block string) bool { return strings.HasPrefix(at, block) })
}
