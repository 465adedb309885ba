package kubereplicas_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// judge is the end of every scene, while its replicas run: no token is seen, and
// nothing was forbidden.
func (w *world) judge() {
	w.Helper()
	w.noTokens()
	used := map[string]bool{}
	for _, r := range w.cluster.AuditOf(w, system, account) {
		// A namespace that is being deleted takes no Events.
		if r.Denied || r.Code == 401 || r.Code == 403 && r.Resource != "events" {
			w.Errorf("%d to %s %s", r.Code, r.Verb, r.URI)
		}
		if r.Resource != "" {
			used[strings.TrimSuffix(fmt.Sprintf("%s %s.%s/%s", r.Verb, r.Resource, r.Group, r.Subresource), "/")] = true
		}
	}
	w.Logf("what the account did since the cluster's start: %s", strings.Join(slices.Sorted(maps.Keys(used)), ", "))
}

// noTokens looks for the tokens in logs, on the admin pages, in statuses and Events.
func (w *world) noTokens() {
	w.Helper()
	seen := map[string]string{
		"the cluster's objects": w.cluster.Kubectl(w, "get", "coastwise,events.v1.events.k8s.io,leases.coordination.k8s.io", "-A", "-o", "yaml"),
	}
	logs, err := filepath.Glob(filepath.Join(w.dir, "coastwise-*.log"))
	if err != nil || len(logs) == 0 {
		w.Errorf("no logs of replicas: %v", err)
	}
	for _, path := range logs {
		text, err := os.ReadFile(path)
		if err != nil {
			w.Error(err)
		}
		seen[filepath.Base(path)] = string(text)
	}
	for _, r := range w.replicas {
		if r == nil || !r.Running() {
			continue
		}
		for _, path := range []string{"/metrics", "/proxies", "/proxies?replicas=all", "/problems", "/readyz?verbose"} {
			text, err := r.page(path)
			if err != nil {
				w.Error(err)
			}
			seen[r.name+path] = text
		}
	}
	for _, token := range w.tokens {
		for place, text := range seen {
			for part := range strings.SplitSeq(token, ".") {
				if strings.Contains(text, part) {
					w.Errorf("a token stands in %s", place)
				}
			}
		}
	}
}
