package cluster

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/coastwise/coastwise/e2e/checkout"
)

// ApplyCRDs applies the folder crds of this repository as a user does and returns
// when every kind can be listed.
func (c *Cluster) ApplyCRDs(t testing.TB) {
	t.Helper()
	root, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(root, "crds")
	c.Kubectl(t, "apply", "-f", folder)
	c.Kubectl(t, "wait", "--for=condition=Established", "--timeout=30s", "-f", folder)
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		// The file is GROUP_PLURAL.yaml, as controller-gen names it.
		group, plural, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".yaml"), "_")
		r := schema.GroupVersionResource{Group: group, Version: "v1alpha1", Resource: plural}
		Eventually(t, patience, func() error {
			limited, cancel := ctx()
			defer cancel()
			_, err := c.dynamic.Resource(r).List(limited, metav1.ListOptions{Limit: 1})
			return err
		})
	}
}

// Eventually calls ok every 20 ms until it gives nil; after limit the test fails with
// its last error.
func Eventually(t testing.TB, limit time.Duration, ok func() error) {
	t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %v", limit, err)
		}
	}
}
