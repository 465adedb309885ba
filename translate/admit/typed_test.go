package admit

import (
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/coastwise/coastwise/translate/model"
)

// TestTypedSaysWhatObjectSays: an object of the API server meets the same checks
// as the same object in a file.
func TestTypedSaysWhatObjectSays(t *testing.T) {
	for name, c := range map[string]struct {
		into    metav1.Object
		text    string
		refused bool
		reasons []model.Reason
	}{
		"a good Service": {&corev1.Service{}, "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: b}\nspec: {ports: [{port: 80}]}", false, nil},
		"export to what is no namespace": {
			&corev1.Service{},
			"apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: b, annotations: {networking.coastwise.dev/export-to: 'A B'}}\nspec: {ports: [{port: 80}]}",
			true,
			[]model.Reason{model.Invalid},
		},
		"unknown annotation of ours": {
			&corev1.Service{},
			"apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: b, annotations: {networking.coastwise.dev/exportto: '*'}}\nspec: {ports: [{port: 80}]}",
			false,
			[]model.Reason{model.UnknownField},
		},
		"unknown label of ours": {
			&corev1.Namespace{},
			"apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {networking.coastwise.dev/use-waypont: wp}}",
			false,
			[]model.Reason{model.UnknownField},
		},
		"a waypoint's namespace without its name": {
			&corev1.Pod{},
			"apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: b, labels: {istio.io/use-waypoint-namespace: infra}}",
			false,
			[]model.Reason{model.NoEffect},
		},
		"a value of another world": {
			&corev1.Service{},
			"apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: b}\nspec: {trafficDistribution: PreferMoon, ports: [{port: 80}]}",
			true,
			[]model.Reason{model.Invalid},
		},
		"a slice with a bad address and hint": {
			&discoveryv1.EndpointSlice{},
			"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: a, namespace: b}\naddressType: IPv4\nendpoints: [{addresses: [nowhere], hints: {forZones: [{name: ''}]}}]",
			true,
			[]model.Reason{model.Invalid, model.Invalid},
		},
		"a scope that cannot be read": {
			&corev1.Namespace{},
			"apiVersion: v1\nkind: Namespace\nmetadata: {name: a, annotations: {networking.coastwise.dev/scope: 'x y'}}",
			false,
			[]model.Reason{model.Invalid},
		},
		"a Node": {&corev1.Node{}, "apiVersion: v1\nkind: Node\nmetadata: {name: a}", false, nil},
		"a Pod":  {&corev1.Pod{}, "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: b}", false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if err := yaml.Unmarshal([]byte(c.text), c.into); err != nil {
				t.Fatal(err)
			}
			want, wantProblems := Object([]byte(c.text))
			got, problems := Options{}.Typed(c.into)
			if got.Ref != want.Ref || (got.Object == nil) != (want.Object == nil) || !reflect.DeepEqual(problems, wantProblems) {
				t.Errorf("typed: %+v %v\nwritten: %+v %v", got, problems, want, wantProblems)
			}
			var reasons []model.Reason
			for _, p := range problems {
				reasons = append(reasons, p.Reason)
			}
			if (got.Object == nil) != c.refused || !reflect.DeepEqual(reasons, c.reasons) {
				t.Errorf("refused %v, %v; want %v, %v", got.Object == nil, reasons, c.refused, c.reasons)
			}
		})
	}
}
