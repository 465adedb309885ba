package main

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// A Gateway has conditions; a route has them at each parent of ours, and is as far as
// the one that is behind.
func TestWaitJudgesGatewaysAndRoutes(t *testing.T) {
	const (
		ours    = "controllerName: networking.coastwise.dev/gateway-controller, parentRef: {name: x}, conditions: "
		theirs  = "controllerName: example.net/other, parentRef: {name: other}, conditions: [{type: networking.coastwise.dev/Programmed, status: 'False', observedGeneration: 2}]"
		behind  = "[{type: networking.coastwise.dev/Programmed, status: 'False', reason: Pending, message: 1 of 2 proxies, observedGeneration: 2}]"
		have    = "[{type: networking.coastwise.dev/Programmed, status: 'True', reason: Programmed, message: 2 of 2 proxies, observedGeneration: 2}]"
		before  = "[{type: networking.coastwise.dev/Programmed, status: 'True', reason: Programmed, message: 2 of 2 proxies, observedGeneration: 1}]"
		refused = "[{type: Accepted, status: 'False', reason: NoMatchingParent, message: none, observedGeneration: 2}, {type: networking.coastwise.dev/Programmed, status: 'False', reason: Pending, observedGeneration: 2}]"
	)
	for name, tt := range map[string]struct {
		target, status string
		done           bool
		said           string
	}{
		"a Gateway":             {"gateway/x", "{conditions: [{type: Programmed, status: 'True', reason: Programmed, message: 2 of 2 proxies, observedGeneration: 2}]}", true, "Programmed is True (Programmed): 2 of 2 proxies"},
		"another's Gateway":     {"gtw/x", "{}", false, "and is its class, or a parent, of coastwise?"},
		"a route":               {"httproute/x", "{parents: [{" + ours + have + "}]}", true, "networking.coastwise.dev/Programmed is True (Programmed): 2 of 2 proxies"},
		"beside another's":      {"grpcroutes/x", "{parents: [{" + theirs + "}, {" + ours + have + "}]}", true, "2 of 2 proxies"},
		"one parent is behind":  {"httproute.gateway.networking.k8s.io/x", "{parents: [{" + ours + have + "}, {" + ours + behind + "}, {" + ours + have + "}]}", false, "1 of 2 proxies"},
		"a parent is refused":   {"httproute/x", "{parents: [{" + ours + refused + "}, {" + ours + have + "}]}", false, "Accepted is False (NoMatchingParent): none"},
		"an older generation":   {"httproute/x", "{parents: [{" + ours + before + "}]}", false, "nothing is said of generation 2 yet"},
		"nothing of ours":       {"httproute/x", "{parents: [{" + theirs + "}]}", false, "nothing is said of generation 2 yet"},
		"conditions of no kind": {"httproute/x", "{conditions: " + have + "}", false, "nothing is said"},
	} {
		t.Run(name, func(t *testing.T) {
			to, err := parseTarget(tt.target)
			if err != nil {
				t.Fatal(err)
			}
			if err := to.parseCondition("programmed"); err != nil {
				t.Fatal(err)
			}
			object := map[string]any{}
			if err := yaml.Unmarshal([]byte("{metadata: {generation: 2}, status: "+tt.status+"}"), &object); err != nil {
				t.Fatal(err)
			}
			object["metadata"].(map[string]any)["generation"] = int64(2)
			got, err := to.judge(&unstructured.Unstructured{Object: object})
			if err != nil || got.done != tt.done || !strings.Contains(got.said, tt.said) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}
