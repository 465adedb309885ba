package kubefaults_test

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/coastwise/coastwise/e2e/cluster"
)

// right is one verb on one resource, such as "patch destinationrules/status.GROUP".
type right string

func rightOf(verb, resource, subresource, group string) right {
	if subresource != "" {
		resource += "/" + subresource
	}
	if group != "" {
		resource += "." + group
	}
	return right(verb + " " + resource)
}

// granted are the rights that files of deploy/ grant.
func granted(t *testing.T, names ...string) map[right]bool {
	t.Helper()
	out := map[right]bool{}
	for _, name := range names {
		content, err := os.ReadFile(deployed(t, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range strings.Split(string(content), "\n---\n") {
			var role rbacv1.Role // a ClusterRole has the same rules
			if err := yaml.Unmarshal([]byte(document), &role); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, rule := range role.Rules {
				grant(out, rule)
			}
		}
	}
	if len(out) == 0 {
		t.Fatalf("%v grant nothing", names)
	}
	return out
}

func grant(out map[right]bool, rule rbacv1.PolicyRule) {
	for _, group := range rule.APIGroups {
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				out[rightOf(verb, resource, "", group)] = true
			}
		}
	}
}

// used are the rights by which requests to resources were allowed.
func used(requests []cluster.Request) map[right]bool {
	out := map[right]bool{}
	for _, r := range requests {
		if r.Resource != "" && r.Code < http.StatusBadRequest {
			out[rightOf(r.Verb, r.Resource, r.Subresource, r.Group)] = true
		}
	}
	return out
}

// forbidden are the requests that were not allowed, one for each right.
func forbidden(requests []cluster.Request) map[right]bool {
	out := map[right]bool{}
	for _, r := range requests {
		if r.Code == http.StatusForbidden || r.Code == http.StatusUnauthorized {
			out[rightOf(r.Verb, r.Resource, r.Subresource, r.Group)] = true
		}
	}
	return out
}

// table compares what is granted with what is used, line by line.
func table(t *testing.T, granted, used map[right]bool) {
	t.Helper()
	all := map[right]bool{}
	for _, set := range []map[right]bool{granted, used} {
		for r := range set {
			all[r] = true
		}
	}
	for _, r := range sorted(all) {
		t.Logf("%-62s granted %-5v used %-5v", r, granted[r], used[r])
		switch {
		case !granted[r]:
			t.Errorf("%s is used and not granted", r)
		case !used[r]:
			t.Errorf("%s is granted and not used", r)
		}
	}
}

func sorted(set map[right]bool) []right {
	var out []right
	for r := range set {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b right) int {
		va, ra, _ := strings.Cut(string(a), " ")
		vb, rb, _ := strings.Cut(string(b), " ")
		return strings.Compare(fmt.Sprint(ra, va), fmt.Sprint(rb, vb))
	})
	return out
}
