package admit

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// formatAt is which argument of a call is the format of a message that a user reads.
var formatAt = map[string]int{
	"invalid": 1, "misshapen": 2, "add": 3, "notHonoured": 1, "Errorf": 0, "New": 0,
}

// elsewhere are files of other packages whose words admission passes on.
var elsewhere = []string{"../model/listen.go", "../model/scope.go"}

// unseen are messages that no command prints, and why.
var unseen = map[string]string{
	"a value of type %T cannot stand in a manifest":       "the YAML reader gives no such value",
	"more than one document, or text after the end of it": "sources cut documents, and tell of such text",
}

// TestEveryRuleHasAStory holds that each message of admission stands in what some
// story wants its user to read: a rule that no story breaks is a rule that nobody
// has seen.
func TestEveryRuleHasAStory(t *testing.T) {
	printed := storyLines(t)
	rules := messageFormats(t)
	if len(rules) < 80 {
		t.Errorf("only %d messages were found", len(rules))
	}
	for _, format := range slices.Sorted(maps.Keys(rules)) {
		seen := slices.ContainsFunc(printed, pattern(format, rules[format]))
		if _, excused := unseen[format]; !seen && !excused {
			t.Errorf("%s: no story shows %q", rules[format], format)
		}
	}
	for format := range unseen {
		if _, ok := rules[format]; !ok {
			t.Errorf("there is no message %q", format)
		}
	}
	t.Logf("%d messages, of which stories show %d", len(rules), len(rules)-len(unseen))
}

// messageFormats are the formats of all messages in this package, and where each
// stands. One without words of its own passes on the words of another.
func messageFormats(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	set, out := token.NewFileSet(), map[string]string{}
	var parsed []*ast.File
	for _, file := range append(files, elsewhere...) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, f)
	}
	words := constants(parsed)
	for _, f := range parsed {
		ast.Inspect(f, func(n ast.Node) bool {
			if e := message(n); e != nil {
				if format := text(e, words); hasWords(format) {
					out[format] = set.Position(n.Pos()).String()
				}
			}
			return true
		})
	}
	return out
}

// message is the expression of the format, if n files a message; else nil.
func message(n ast.Node) ast.Expr {
	switch n := n.(type) {
	case *ast.CompositeLit: // mistakes in keys
		if name, ok := n.Type.(*ast.Ident); ok && name.Name == "keyMistake" && len(n.Elts) > 0 {
			return n.Elts[len(n.Elts)-1]
		}
	case *ast.CallExpr:
		name := ""
		switch f := n.Fun.(type) {
		case *ast.SelectorExpr:
			name = f.Sel.Name
		case *ast.Ident:
			name = f.Name
		}
		if i, ok := formatAt[name]; ok && i < len(n.Args) {
			return n.Args[i]
		}
	}
	return nil
}

// constants are the string constants and literals of the package, by name.
func constants(files []*ast.File) map[string]ast.Expr {
	out := map[string]ast.Expr{}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok {
				for i, name := range v.Names {
					if i < len(v.Values) {
						out[name.Name] = v.Values[i]
					}
				}
			}
			return true
		})
	}
	return out
}

// text is what stands in an expression: string literals, constants, and sums with
// other values, which become %s.
func text(e ast.Expr, words map[string]ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			return constant.StringVal(constant.MakeFromLiteral(e.Value, e.Kind, 0))
		}
	case *ast.Ident:
		if value, ok := words[e.Name]; ok {
			return text(value, words)
		}
	case *ast.BinaryExpr:
		return text(e.X, words) + text(e.Y, words)
	}
	return "%s"
}

var verb = regexp.MustCompile(`%[a-zA-Z]`)

func hasWords(format string) bool {
	return strings.Trim(verb.ReplaceAllString(format, ""), " :;,.") != ""
}

// pattern says whether a line ends in a message of that format. What another
// package says may go on.
func pattern(format, at string) func(string) bool {
	end, longest := `( \([^ ]+, document \d+\))?$`, ""
	if strings.HasPrefix(at, "..") {
		end = ""
	}
	var parts []string
	for _, part := range verb.Split(strings.ReplaceAll(format, "%%", "%"), -1) {
		part = oneBlank(part)
		parts = append(parts, regexp.QuoteMeta(part))
		if len(part) > len(longest) {
			longest = part
		}
	}
	message := regexp.MustCompile(` ` + strings.Join(parts, `.*?`) + end)
	return func(line string) bool { return strings.Contains(line, longest) && message.MatchString(line) }
}

func oneBlank(s string) string { return regexp.MustCompile(`\s+`).ReplaceAllString(s, " ") }

// storyLines are what stories want to be printed, blanks being one.
func storyLines(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("../testdata/*.txtar")
	if err != nil || len(paths) < 100 {
		t.Fatalf("%d stories: %v", len(paths), err)
	}
	var out []string
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(archive.Comment)) {
			if strings.HasPrefix(line, "stdout ") {
				out = append(out, oneBlank(strings.TrimSpace(line)))
			}
		}
		for _, f := range archive.Files {
			if strings.HasPrefix(f.Name, "want") {
				for line := range strings.Lines(string(f.Data)) {
					out = append(out, oneBlank(strings.TrimSpace(line)))
				}
			}
		}
	}
	return out
}
