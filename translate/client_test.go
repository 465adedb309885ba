package translate

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// TestClient is semantics 1.2, with the zone agreement of 2.2.
func TestClient(t *testing.T) {
	eu1 := model.Locality{Region: "eu", Zone: "eu-1"}
	us1 := model.Locality{Region: "us", Zone: "us-1", SubZone: "rack-2"}
	nodes := &ingest.Nodes{
		ByName:  map[string]ingest.Node{"n-eu": {Locality: eu1}, "n-us": {Locality: us1}, "n-bare": {}, "n-zone": {Locality: model.Locality{Zone: "eu-1"}}},
		Regions: map[string]string{"eu-1": "eu", "us-1": "us"},
	}
	podOn := func(node string) *corev1.Pod { return &corev1.Pod{Spec: corev1.PodSpec{NodeName: node}} }
	for name, tt := range map[string]struct {
		node     string
		locality model.Locality
		nodes    *ingest.Nodes
		pod      *corev1.Pod

		wantNode string
		want     model.Locality
		differs  []string
	}{
		"nothing known, nothing claimed":        {nodes: nodes},
		"the locality claim alone":              {locality: us1, nodes: nodes, want: us1},
		"a known node decides":                  {node: "n-eu", nodes: nodes, wantNode: "n-eu", want: eu1},
		"a known node beats the claim":          {node: "n-eu", locality: us1, nodes: nodes, wantNode: "n-eu", want: eu1, differs: []string{LocalityClaim}},
		"a claim of another region alone":       {node: "n-eu", locality: model.Locality{Region: "us"}, nodes: nodes, wantNode: "n-eu", want: eu1, differs: []string{LocalityClaim}},
		"a claim of another zone alone":         {node: "n-eu", locality: model.Locality{Region: "eu", Zone: "eu-9"}, nodes: nodes, wantNode: "n-eu", want: eu1, differs: []string{LocalityClaim}},
		"a claim of another sub-zone alone":     {node: "n-us", locality: model.Locality{Region: "us", Zone: "us-1", SubZone: "rack-1"}, nodes: nodes, wantNode: "n-us", want: us1, differs: []string{LocalityClaim}},
		"a claim that says less agrees":         {node: "n-us", locality: model.Locality{Region: "us"}, nodes: nodes, wantNode: "n-us", want: us1},
		"an unknown node leaves the claim":      {node: "n-9", locality: us1, nodes: nodes, wantNode: "n-9", want: us1},
		"the pod's node beats the claimed node": {node: "n-us", nodes: nodes, pod: podOn("n-eu"), wantNode: "n-eu", want: eu1, differs: []string{NodeClaim}},
		"the pod's node, claimed rightly":       {node: "n-eu", nodes: nodes, pod: podOn("n-eu"), wantNode: "n-eu", want: eu1},
		"the pod's node is unknown":             {node: "n-us", locality: us1, nodes: nodes, pod: podOn("n-9"), wantNode: "n-9", want: us1, differs: []string{NodeClaim}},
		"the pod has no node yet":               {node: "n-us", nodes: nodes, pod: podOn(""), wantNode: "n-us", want: us1},
		"a known node without labels decides":   {node: "n-bare", locality: eu1, nodes: nodes, wantNode: "n-bare", differs: []string{LocalityClaim}},
		"its zone's region completes a node":    {node: "n-zone", nodes: nodes, wantNode: "n-zone", want: eu1},
		"its zone's region completes a claim":   {locality: model.Locality{Zone: "us-1"}, nodes: nodes, want: model.Locality{Region: "us", Zone: "us-1"}},
		"a claimed region stays":                {locality: model.Locality{Region: "xx", Zone: "us-1"}, nodes: nodes, want: model.Locality{Region: "xx", Zone: "us-1"}},
		"a zone that no node is in":             {locality: model.Locality{Zone: "us-9"}, nodes: nodes, want: model.Locality{Zone: "us-9"}},
		"no nodes at all":                       {node: "n-eu", locality: us1, wantNode: "n-eu", want: us1},
	} {
		t.Run(name, func(t *testing.T) {
			claims := model.Proxy{ID: "default/c", Kind: model.Sidecar, Namespace: "default", Node: tt.node, Locality: tt.locality, Network: "n1"}
			want := claims
			want.Node, want.Locality = tt.wantNode, tt.want
			got, differs := Client(claims, tt.nodes, tt.pod)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("proxy (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.differs, differs); diff != "" {
				t.Errorf("differs (-want +got):\n%s", diff)
			}
		})
	}
}

// TestVisible is semantics 1.3.
func TestVisible(t *testing.T) {
	for name, tt := range map[string]struct {
		exportTo                    []string
		client, scope, ofItsContext string
		want                        bool
	}{
		"exported to all":                         {exportTo: []string{"*"}, client: "web", want: true},
		"exported to the client's":                {exportTo: []string{"app", "web"}, client: "web", want: true},
		"exported to others":                      {exportTo: []string{"app"}, client: "web"},
		"exported to its own only":                {exportTo: []string{"."}, client: "web"},
		"exported to its own, client inside":      {exportTo: []string{"."}, client: "shop", want: true},
		"exported to nobody":                      {exportTo: []string{"~"}, client: "web"},
		"exported to nobody, client inside":       {exportTo: []string{"~"}, client: "shop", want: true},
		"the claim names its namespace":           {exportTo: []string{"*"}, client: "web", scope: "shop/*", want: true},
		"the claim names it":                      {exportTo: []string{"*"}, client: "web", scope: "app/*,shop/cart", want: true},
		"the claim names another":                 {exportTo: []string{"*"}, client: "web", scope: "shop/other"},
		"a claim does not widen":                  {exportTo: []string{"app"}, client: "web", scope: "shop/*"},
		"a claim narrows the own namespace":       {exportTo: []string{"*"}, client: "shop", scope: "web/*"},
		"the annotation narrows":                  {exportTo: []string{"*"}, client: "web", ofItsContext: "web/*"},
		"both allow":                              {exportTo: []string{"*"}, client: "web", scope: "shop/*", ofItsContext: "shop/cart", want: true},
		"the claim allows, the annotation not":    {exportTo: []string{"*"}, client: "web", scope: "shop/*", ofItsContext: "web/*"},
		"the annotation allows, the claim not":    {exportTo: []string{"*"}, client: "web", scope: "web/*", ofItsContext: "shop/*"},
		"an unreadable annotation allows nothing": {exportTo: []string{"*"}, client: "web", ofItsContext: nothing},
	} {
		t.Run(name, func(t *testing.T) {
			s := &model.Service{Key: model.ServiceKey("shop", "cart"), Name: "cart", ExportTo: tt.exportTo}
			p := model.Proxy{Namespace: tt.client, Scope: tt.scope}
			if got := Visible(s, p, tt.ofItsContext); got != tt.want {
				t.Errorf("Visible = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestNamespaceScope(t *testing.T) {
	for written, want := range map[string]string{
		"":                      "",
		" ":                     "",
		"b/*, a/x":              "a/x,b/*",
		"shop/*,shop/cart":      "shop/*",
		"everything":            nothing,
		"everything, shop/cart": "shop/cart",
		"shop/*,,Web/*":         "shop/*",
	} {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{ScopeAnnotation: written}}}
		if got := NamespaceScope(ns); got != want {
			t.Errorf("NamespaceScope(%q) = %q, want %q", written, got, want)
		}
	}
	if got := NamespaceScope(nil); got != "" {
		t.Errorf("NamespaceScope(nil) = %q, want all", got)
	}
}

// A verified client has its Pod's labels, whatever it claims; where no Pod is known, or
// nobody is verified, the claim counts.
func TestLabelsOfAVerifiedClient(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web", "tier": "1"}}}
	for name, tt := range map[string]struct {
		verified bool
		pod      *corev1.Pod
		claim    map[string]string
		want     map[string]string
		differs  []string
	}{
		"nobody is verified":    {pod: pod, claim: map[string]string{"app": "db"}, want: map[string]string{"app": "db"}},
		"no pod is known":       {verified: true, claim: map[string]string{"app": "db"}, want: map[string]string{"app": "db"}},
		"nothing is claimed":    {verified: true, pod: pod, want: pod.Labels},
		"a claim that is right": {verified: true, pod: pod, claim: map[string]string{"app": "web"}, want: pod.Labels},
		"a claim that is wrong": {verified: true, pod: pod, claim: map[string]string{"app": "db"}, want: pod.Labels, differs: []string{LabelsClaim}},
		"a claim of one more":   {verified: true, pod: pod, claim: map[string]string{"x": ""}, want: pod.Labels, differs: []string{LabelsClaim}},
	} {
		t.Run(name, func(t *testing.T) {
			got, differs := Client(model.Proxy{Labels: tt.claim, Verified: tt.verified}, nil, tt.pod)
			if diff := cmp.Diff(tt.want, got.Labels); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.differs, differs); diff != "" {
				t.Error(diff)
			}
		})
	}
}
