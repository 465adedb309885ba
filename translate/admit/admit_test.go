package admit

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/coastwise/coastwise/translate/model"
)

var update = flag.Bool("update", false, "write what Object says into testdata")

// headers stand before a body in testdata, by its file's extension; .yaml has its
// own.
var headers = map[string]string{
	".yaml":     "",
	".rule":     "apiVersion: networking.coastwise.dev/v1alpha1\nkind: DestinationRule\nmetadata: {name: a}\nspec:\n",
	".istio":    "apiVersion: networking.istio.io/v1beta1\nkind: DestinationRule\nmetadata: {name: a}\nspec:\n",
	".mesh":     "apiVersion: networking.coastwise.dev/v1alpha1\nkind: MeshConfig\nmetadata: {name: default}\nspec:\n",
	".service":  "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n",
	".entry":    "apiVersion: networking.coastwise.dev/v1alpha1\nkind: ServiceEntry\nmetadata: {name: a}\nspec:\n",
	".workload": "apiVersion: networking.coastwise.dev/v1alpha1\nkind: WorkloadEntry\nmetadata: {name: a}\nspec:\n",
	".slice":    "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: a}\n",
}

// TestObject holds every message against what a user should read: each manifest
// in testdata is followed by what Object says of it.
func TestObject(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	refused := 0
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(archive.Files); i += 2 {
			in, want := archive.Files[i], &archive.Files[i+1]
			t.Run(filepath.Base(file)+"/"+in.Name, func(t *testing.T) {
				header, ok := headers[filepath.Ext(in.Name)]
				if !ok || want.Name != "want" {
					t.Fatalf("%s: a manifest and its want must alternate", in.Name)
				}
				result, problems := Object([]byte(header + string(in.Data)))
				got := say(result, problems)
				if strings.Contains(got, "error ") {
					refused++
				}
				if *update {
					want.Data = []byte(got)
				}
				if diff := cmp.Diff(string(want.Data), got); diff != "" {
					t.Error(diff)
				}
			})
		}
		if *update {
			if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if refused < 60 {
		t.Errorf("only %d manifests are refused in testdata", refused)
	}
}

// say writes a Result as the testdata have it.
func say(result Result, problems []model.Problem) string {
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&b, "%s %s %s: %s\n", p.Severity, p.Reason, p.Field, p.Message)
	}
	if f := result.Fence; f != nil {
		fmt.Fprintf(&b, "fence of %s for %q at %s: %q\n", f.Object, f.Host, f.Field, f.AllowedRegions)
	}
	switch {
	case result.Foreign:
		fmt.Fprintf(&b, "foreign: %s\n", result.Ref)
	case result.Object != nil:
		fmt.Fprintf(&b, "admitted: %s\n", result.Ref)
	case result.Ref != model.ObjectRef{}:
		fmt.Fprintf(&b, "absent: %s\n", result.Ref)
	}
	return b.String()
}
