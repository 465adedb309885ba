package test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/admit"
	"github.com/coastwise/coastwise/translate/model"
)

// heads are what translate/admit/testdata leave out, by extension.
var heads = map[string]string{
	".rule":     "apiVersion: networking.coastwise.dev/v1alpha1\nkind: DestinationRule\nmetadata: {name: a}\nspec:\n",
	".mesh":     "apiVersion: networking.coastwise.dev/v1alpha1\nkind: MeshConfig\nmetadata: {name: default}\nspec:\n",
	".entry":    "apiVersion: networking.coastwise.dev/v1alpha1\nkind: ServiceEntry\nmetadata: {name: a}\nspec:\n",
	".workload": "apiVersion: networking.coastwise.dev/v1alpha1\nkind: WorkloadEntry\nmetadata: {name: a}\nspec:\n",
}

// row is one manifest of a kind of ours.
type row struct {
	name, kind string
	manifest   []byte
}

// rows are the manifests of our kinds in the stories, the samples and the
// testdata of admission.
func rows(t *testing.T) []row {
	t.Helper()
	var out []row
	add := func(name string, manifest string) {
		var head struct{ APIVersion, Kind string }
		if yaml.Unmarshal([]byte(manifest), &head) == nil && head.APIVersion == v1alpha1.APIVersion {
			out = append(out, row{name, head.Kind, []byte(manifest)})
		}
	}
	for _, pattern := range []string{"../../translate/testdata/*.txtar", "../../translate/admit/testdata/*.txtar", "../../samples/*/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, "has no files", err)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Base(filepath.Dir(filepath.Dir(file))) + "/" + filepath.Base(file)
			if filepath.Ext(file) == ".yaml" {
				raw = txtar.Format(&txtar.Archive{Files: []txtar.File{{Name: "sample.yaml", Data: raw}}})
			}
			for _, f := range txtar.Parse(raw).Files {
				if strings.HasPrefix(f.Name, "want") {
					continue
				}
				for _, document := range regexp.MustCompile(`(?m)^---\n`).Split(string(f.Data), -1) {
					add(name+"/"+f.Name, heads[filepath.Ext(f.Name)]+document)
				}
			}
		}
	}
	return out
}

// allowance is a kind of mistake that admission finds and the API server does not.
type allowance struct {
	reason  model.Reason
	field   string // a pattern; empty is any
	message string // a pattern; empty is any
	why     string
}

var allowances = []allowance{
	{model.NotHonoured, "", "", "valid, and refused until it is honoured"},
	{model.Invalid, "", `^stands twice; keep one$`, "kubectl and the API server keep the last of two equal keys"},
	{model.Invalid, "", `^YAML reads this key as the boolean`, "kubectl sends JSON, in which the key is a string"},
	{model.Invalid, `labels\[.*\]$|matchLabels\[.*\]$`, `is no label:`, "keys of a map have no pattern, and too long a form for CEL's budget"},
	{model.Invalid, `\.ports\[.*\]$`, `is no DNS label`, "keys of a map, as above"},
	{model.Invalid, `\.to\[.*\]$`, `no locality pattern|means the same as`, "keys of a map, as above"},
	{model.Invalid, `\.from$`, `^"(.*)/\*" means the same as`, "each pattern with each other one is beyond CEL's budget"},
	{model.Invalid, `\.addresses\[`, `stands twice`, "each block with each other one is beyond CEL's budget"},
	{model.Invalid, `^spec\.endpoints\[`, `stands twice; it is already endpoint`, "each of 4096 endpoints with each other one is beyond CEL's budget"},
	{model.Invalid, `^spec\.exportTo\[`, `^with workloadSelector`, "rules of a CRD do not see metadata.namespace"},
	{model.Invalid, `\.tableSize$`, `a prime`, "CEL tries small divisors only"},
}

// TestVerdicts holds the CRDs against admission, over every manifest that there
// is: what admission takes the API server takes, and what admission refuses it
// refuses, unless every mistake is of a kind that it cannot see.
func TestVerdicts(t *testing.T) {
	all := definitions(t)
	seen := map[string]int{}
	used := make([]bool, len(allowances))
	credentials := admit.Options{Credential: func([]string) (string, error) { return "/", nil }}
	for _, r := range rows(t) {
		d := all[r.kind]
		if d == nil {
			continue // no kind of ours: the API server has no such resource
		}
		result, problems := credentials.Object(r.manifest)
		refusals := d.create(r.manifest)
		if result.Object != nil {
			seen["taken"]++
			if len(refusals) > 0 && !statusOnly(refusals) {
				t.Errorf("%s: admission takes it, the API server does not: %v\n%s", r.name, refusals, r.manifest)
			}
			continue
		}
		for _, p := range problems {
			if p.Severity != model.Error {
				continue
			}
			seen["refused"]++
			if !covers(refusals, p.Field) && !allowed(p, used) {
				t.Errorf("%s: the API server takes what admission refuses: %s %s: %s\n%v\n%s", r.name, p.Reason, p.Field, p.Message, refusals, r.manifest)
			}
		}
	}
	t.Log(seen)
	if seen["taken"] < 100 || seen["refused"] < 100 {
		t.Errorf("only %v were seen", seen)
	}
	for i, a := range allowances {
		if !used[i] {
			t.Errorf("no manifest needs this: %s", a.why)
		}
	}
}

func allowed(p model.Problem, used []bool) bool {
	for i, a := range allowances {
		if a.reason == p.Reason && regexp.MustCompile(a.field).MatchString(p.Field) && regexp.MustCompile(a.message).MatchString(p.Message) {
			used[i] = true
			return true
		}
	}
	return false
}

// covers says whether a refusal is about a field, something around it or in it.
func covers(refusals []refusal, at string) bool {
	for _, r := range refusals {
		if within(r.field, at) || within(at, r.field) {
			return true
		}
	}
	return false
}

// within says whether a path is another, or stands below it. Keys of maps are
// written both .KEY and [KEY].
func within(at, below string) bool {
	plain := strings.NewReplacer("[", ".", "]", "")
	at, below = plain.Replace(at), plain.Replace(below)
	return at == "" || at == below || strings.HasPrefix(below, at+".")
}

// statusOnly: admission drops a status unread, and strict field validation reads it.
func statusOnly(refusals []refusal) bool {
	for _, r := range refusals {
		if !within("status", r.field) {
			return false
		}
	}
	return true
}
