package coastwise_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/coastwise/coastwise/"

// Which packages of ours a folder may import; a longer path wins over a shorter.
// The sources know ingest only for what it reads of an object (one annotation of a
// Pod) and for the credentials that they hand to the store.
var arrows = map[string][]string{
	"api/v1alpha1":          {},
	"translate/model":       {},
	"translate/admit":       {"api/v1alpha1", "translate/model"},
	"translate/ingest":      {"api/v1alpha1", "translate/model"},
	"translate/lint":        {"api/v1alpha1", "translate/model", "translate/admit", "translate/ingest"},
	"translate/locality":    {"translate/model"},
	"translate/predict":     {"translate/model", "translate/locality"},
	"translate/envoy":       {"translate/model", "translate/locality"},
	"translate/workload":    {"api/v1alpha1", "translate/model", "translate/ingest", "translate/envoy", "third_party/istio/workloadapi", "third_party/istio/workloadapi/security"},
	"translate":             {"translate/model", "translate/ingest", "translate/locality", "translate/predict", "translate/envoy"},
	"controlplane/store":    {"api/v1alpha1", "translate/model", "translate/ingest"},
	"controlplane/files":    {"api/v1alpha1", "translate/model", "translate/admit", "translate/ingest", "controlplane/store"},
	"controlplane/snapshot": {"translate", "translate/model", "translate/ingest", "translate/envoy", "translate/workload", "controlplane/store"},
	"controlplane/xds":      {"translate", "translate/model", "translate/envoy", "translate/workload", "controlplane/snapshot"},
	"controlplane/admin":    {"translate/model"},
	"controlplane/kube":     {"api/v1alpha1", "translate/model", "translate/admit", "translate/ingest", "controlplane/store"},
	"controlplane/status":   {"api/v1alpha1", "translate/model"},
	"controlplane/auth":     {},
	"controlplane/peers":    {"api/v1alpha1", "translate/model", "controlplane/auth"},
}

// What pure code never imports, and the only names of package time that it uses.
var (
	impure   = []string{"sync", "sync/atomic", "context", "log", "log/slog", "net", "net/http", "os", "math/rand", "math/rand/v2", "google.golang.org/grpc", "k8s.io/client-go"}
	timeless = []string{"Duration", "ParseDuration", "Nanosecond", "Microsecond", "Millisecond", "Second", "Minute", "Hour"}
)

type pkg struct {
	ImportPath, Dir  string
	Imports, GoFiles []string
}

func list(t *testing.T) []pkg {
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,GoFiles", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var pkgs []pkg
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

func TestArrowsPointOneWay(t *testing.T) {
	seen := 0
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		allowed, ruled := arrows[name]
		if ruled {
			seen++
		}
		for _, imp := range p.Imports {
			ours, isOurs := strings.CutPrefix(imp, module)
			if ruled && isOurs && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s", name, ours)
			}
			if strings.HasPrefix(name, "translate") && slices.ContainsFunc(impure, func(s string) bool { return imp == s || strings.HasPrefix(imp, s+"/") }) &&
				imp != "net/netip" {
				t.Errorf("%s imports %s: translate is pure", name, imp)
			}
		}
		if strings.HasPrefix(name, "translate") && slices.Contains(p.Imports, "time") {
			checkTime(t, p)
		}
	}
	if seen != len(arrows) {
		t.Errorf("%d of %d ruled packages exist: mend the table", seen, len(arrows))
	}
}

func checkTime(t *testing.T, p pkg) {
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && !slices.Contains(timeless, sel.Sel.Name) {
					t.Errorf("%s/%s uses time.%s", p.ImportPath, name, sel.Sel.Name)
				}
			}
			return true
		})
	}
}
