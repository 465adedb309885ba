package admit

import (
	"slices"
	"strings"
)

// wholeBlocks are the blocks of which every field is honoured.
var wholeBlocks = []string{
	"spec.trafficPolicy.outlierDetection.",
	"spec.defaultTrafficPolicy.outlierDetection.",
}

func inWholeBlock(at string) bool {
	return slices.ContainsFunc(wholeBlocks, func(block string) bool { return strings.HasPrefix(at, block) })
}
