package files

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"
)

const svcX = "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {ports: [{port: 80}]}\n"

const svcXJSON = `{"apiVersion":"v1","kind":"Service","metadata":{"name":"x"},"spec":{"ports":[{"port":80}]}}`

func renamed(s, name string) string {
	return strings.NewReplacer("name: x", "name: "+name, `"name":"x"`, `"name":"`+name+`"`).Replace(s)
}

// summary is a line per object, file problem and foreign kind.
func summary(c contents) string {
	var out []string
	for _, o := range c.objects {
		state := "ok"
		if o.object == nil {
			state = "refused"
		}
		out = append(out, fmt.Sprintf("%d %s %s", o.document, o.ref, state))
	}
	for _, p := range c.problems {
		out = append(out, fmt.Sprintf("%d %s %s", p.Document, p.Reason, p.Object))
	}
	foreign := map[string]int{}
	for _, f := range c.foreign {
		foreign[f.Kind]++
	}
	for _, kind := range slices.Sorted(maps.Keys(foreign)) {
		out = append(out, fmt.Sprintf("%s*%d", kind, foreign[kind]))
	}
	if c.partial {
		out = append(out, "partial")
	}
	return strings.Join(out, "; ")
}

func TestParse(t *testing.T) {
	const x, y = "Service default/x ok", "Service default/w ok"
	const bad = " Unparsable File f; partial"
	svcY, svcYJSON := renamed(svcX, "w"), renamed(svcXJSON, "w")
	list := "apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(svcX), "\n", "\n  ") + "\n"
	for _, tc := range []struct{ name, data, want string }{
		{"empty", "", ""},
		{"blank", " \n\n", ""},
		{"a comment", "# nothing\n", ""},
		{"separators only", "---\n---\n", ""},
		{"one", svcX, "0 " + x},
		{"two", svcX + "---\n" + svcY, "0 " + x + "; 1 " + y},
		{"a leading separator", "---\n" + svcX, "0 " + x},
		{"a trailing separator", svcX + "---\n", "0 " + x},
		{"a commented separator", svcX + "--- # next\n" + svcY, "0 " + x + "; 1 " + y},
		{"comments and empty ones do not count", "# licence\n---\n" + svcX + "---\n# c\n---\n---\n" + svcY, "0 " + x + "; 1 " + y},
		{"CRLF", strings.ReplaceAll(svcX+"---\n"+svcY, "\n", "\r\n"), "0 " + x + "; 1 " + y},
		{"BOM", "\ufeff" + svcX, "0 " + x},
		{"BOM and JSON", "\ufeff" + svcXJSON, "0 " + x},
		{"no last newline", strings.TrimSpace(svcX), "0 " + x},
		{"JSON", svcXJSON, "0 " + x},
		{"JSON in a row", svcXJSON + "\n" + svcYJSON, "0 " + x + "; 1 " + y},
		{"JSON between separators", svcXJSON + "\n---\n" + svcYJSON, "0 " + x + "; 1 " + y},
		{"flow YAML", "{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {ports: [{port: 80}]}}", "0 " + x},
		{"JSON cut short", svcXJSON[:40], "0" + bad},
		{"the second JSON cut short", svcXJSON + svcYJSON[:40], "0" + bad},
		{"YAML cut short", svcX + "---\n" + svcY[:len(svcY)-4], "0 " + x + "; 1" + bad},
		{"broken between", svcX + "---\n{\n---\n" + svcY, "0 " + x + "; 2 " + y + "; 1" + bad},
		{"a tab", "apiVersion: v1\n\tkind: Service\n", "0" + bad},
		{"text after a separator", svcX + "--- what\n" + svcY, "0" + bad},
		{"an end mark", svcX + "...\n", "0 " + x},
		{"an end mark and more", svcX + "...\n" + svcY, "0" + bad},
		{"an end mark and a separator", svcX + "...\n---\n" + svcY, "0 " + x + "; 1 " + y},
		{"not text", "\xff\xfe\x00", "0" + bad},
		{"a scalar", "hello\n", "0" + bad},
		{"a sequence", "- a\n- b\n", "0" + bad},
		{"no name", "apiVersion: v1\nkind: Service\n", "0" + bad},
		{"refused", strings.Replace(svcX, "port: 80", "prot: 80", 1), "0 Service default/x refused"},
		{"foreign", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n", "Deployment.apps*1"},
		{"foreign, core", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: d}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: e}\n", "ConfigMap*2"},
		{"foreign without a name", "apiVersion: v1\nkind: Config\n---\n" + svcX, "1 " + x + "; Config*1"},
		{"List", list + "---\n" + svcY, "0 " + x + "; 1 " + y},
		{"List in JSON", `{"apiVersion":"v1","kind":"List","items":[` + svcXJSON + "," + svcYJSON + `]}`, "0 " + x + "; 0 " + y},
		{"List in List", `{"kind":"List","items":[{"kind":"List","items":[` + svcXJSON + `]}]}`, "0 " + x},
		{"empty List", "kind: List\nitems: []\n", ""},
		{"List without items", "kind: List\n", "0" + bad},
		{"List of a value", "kind: List\nitems: [3]\n", "0" + bad},
		{"List with a repeated key", list + "  kind: Service\n", "0" + bad},
		{"typed list", `{"apiVersion":"v1","kind":"ServiceList","items":[{"metadata":{"name":"x"},"spec":{"ports":[{"port":80}]}}]}`, "0 " + x},
		{"typed list with types", `{"apiVersion":"v1","kind":"ServiceList","items":[` + svcXJSON + `]}`, "0 " + x},
		{"typed list, nothing in it", `{"apiVersion":"v1","kind":"ServiceList","items":[{}]}`, "0" + bad},
		{"foreign without a name, last", svcX + "---\napiVersion: v1\nkind: Serv", "0 " + x + "; Serv*1; partial"},
		{"foreign list", "apiVersion: apps/v1\nkind: DeploymentList\nitems: [{metadata: {name: d}}]\n", "Deployment.apps*1"},
		{"foreign kind that ends in List", "apiVersion: acl.example/v1\nkind: AllowList\nmetadata: {name: d}\n", "AllowList.acl.example*1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := summary(parse("f", []byte(tc.data))); got != tc.want {
				t.Errorf("\n got %s\nwant %s", got, tc.want)
			}
		})
	}
}

// TestParseProblems: whoever reads a problem finds the place.
func TestParseProblems(t *testing.T) {
	c := parse("mesh/f.yaml", []byte(svcX+"---\n"+renamed(strings.Replace(svcX, "port: 80", "prot: 80", 1), "w")))
	for _, p := range c.objects[1].problems {
		if p.File != "mesh/f.yaml" || p.Document != 1 || p.Object != c.objects[1].ref {
			t.Errorf("%+v", p)
		}
	}
	if len(c.objects[1].problems) == 0 {
		t.Error("a misspelt field is no problem")
	}
}

// TestParseKeepsNumbers: a list item is admitted as it was written.
func TestParseKeepsNumbers(t *testing.T) {
	c := parse("f", []byte(`{"apiVersion":"v1","kind":"ServiceList","items":[{"metadata":{"name":"x","generation":9007199254740993},"spec":{"ports":[{"port":80}]}}]}`))
	if len(c.objects) != 1 || c.objects[0].object == nil {
		t.Fatal(summary(c), c.objects[0].problems)
	}
	if got := c.objects[0].object.(*corev1.Service).Generation; got != 9007199254740993 {
		t.Error(got)
	}
}

// TestCutShort: a file cut at any byte never loses an object that it gave before.
func TestCutShort(t *testing.T) {
	data := svcX + "---\n" + renamed(svcX, "w")
	rapid.Check(t, func(t *rapid.T) {
		cut := rapid.IntRange(len(svcX)+len("---\nap"), len(data)).Draw(t, "cut")
		s := newSet()
		full, part := parse("f", []byte(data)), parse("f", []byte(data[:cut]))
		s.update(edits{a: &full})
		for _, c := range s.update(edits{a: &part}) {
			if c.Object == nil {
				t.Fatalf("cut at %d: %s is gone", cut, c.Ref)
			}
		}
	})
}
