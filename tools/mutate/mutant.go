package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// mutant is one change of one file: the bytes from start to end become text.
type mutant struct {
	fn         *function
	file       string
	source     []byte
	line       int
	start, end int
	text       string
}

func (m mutant) apply() []byte {
	return []byte(string(m.source[:m.start]) + m.text + string(m.source[m.end:]))
}

// copyAs is the changed function under another name.
func (m mutant) copyAs(name string) string {
	f := m.fn
	return string(f.source[f.start:f.at-len(f.name)]) + name + string(f.source[f.at:m.start]) + m.text + string(f.source[m.end:f.end])
}

// change is the line before and after, without indentation.
func (m mutant) change() string {
	return lineAt(m.source, m.start) + " -> " + lineAt(m.apply(), m.start)
}

func lineAt(source []byte, at int) string {
	before, after := string(source[:at]), string(source[at:])
	line, _, _ := strings.Cut(after, "\n")
	return strings.TrimSpace(before[strings.LastIndex(before, "\n")+1:] + line)
}

func (m mutant) pkg() string  { return filepath.Base(filepath.Dir(m.file)) }
func (m mutant) name() string { return m.pkg() + "/" + filepath.Base(m.file) }

func (m mutant) key() string    { return m.name() + ": " + m.change() }
func (m mutant) String() string { return fmt.Sprintf("%s:%d: %s", m.name(), m.line, m.change()) }

// find lists the mutants of a directory's non-test files with such names.
func find(dir, patterns string) ([]mutant, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var all []mutant
	for _, file := range files {
		ok, err := matches(patterns, file)
		if err != nil {
			return nil, err
		}
		if !ok || strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		fset := token.NewFileSet()
		tree, err := parser.ParseFile(fset, file, source, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range tree.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				all = append(all, inFunction(fset, file, newFunction(fset, tree.Name.Name, source, f), f)...)
			}
		}
	}
	return all, nil
}

func inFunction(fset *token.FileSet, file string, fn *function, d *ast.FuncDecl) (all []mutant) {
	if fn == nil {
		return nil
	}
	ast.Inspect(d.Body, func(n ast.Node) bool {
		for _, c := range changes(n) {
			at, end := fset.Position(c.pos), fset.Position(c.end).Offset
			all = append(all, mutant{fn, file, fn.source, at.Line, at.Offset, end, c.replace(fn.source[at.Offset:end])})
		}
		return true
	})
	return all
}

// change replaces what stands between two positions.
type change struct {
	pos, end token.Pos
	replace  func(old []byte) string
}

func to(text string) func([]byte) string { return func([]byte) string { return text } }

// swaps says what becomes of an operator, one mutant each.
var swaps = map[token.Token][]string{
	token.EQL: {"!="}, token.NEQ: {"=="},
	token.LSS: {"<=", ">="}, token.LEQ: {"<", ">"}, token.GTR: {">=", "<="}, token.GEQ: {">", "<"},
	token.LAND: {"||"}, token.LOR: {"&&"},
	token.ADD: {"-"}, token.SUB: {"+"}, token.MUL: {"/"}, token.QUO: {"*"},
	token.ADD_ASSIGN: {"-=", "="}, token.SUB_ASSIGN: {"+=", "="},
}

func changes(n ast.Node) (out []change) {
	add := func(pos, end token.Pos, replace func([]byte) string) { out = append(out, change{pos, end, replace}) }
	negate := func(e ast.Expr) {
		add(e.Pos(), e.End(), func(old []byte) string { return "!(" + string(old) + ")" })
	}
	operator := func(pos token.Pos, op token.Token) {
		for _, text := range swaps[op] {
			add(pos, pos+token.Pos(len(op.String())), to(text))
		}
	}
	switch n := n.(type) {
	case *ast.BinaryExpr:
		operator(n.OpPos, n.Op)
	case *ast.UnaryExpr:
		if n.Op == token.NOT {
			add(n.OpPos, n.OpPos+1, to(""))
		}
	case *ast.BasicLit:
		if i, err := strconv.Atoi(n.Value); err == nil {
			add(n.Pos(), n.End(), to(strconv.Itoa(map[bool]int{true: 0, false: i + 1}[i == 1])))
		}
	case *ast.Ident:
		if n.Name == "true" || n.Name == "false" {
			add(n.Pos(), n.End(), to(strconv.FormatBool(n.Name == "false")))
		}
	case *ast.IfStmt:
		negate(n.Cond)
	case *ast.SwitchStmt:
		if n.Tag == nil {
			for _, s := range n.Body.List {
				for _, e := range s.(*ast.CaseClause).List {
					negate(e)
				}
			}
		}
	case *ast.AssignStmt:
		operator(n.TokPos, n.Tok)
		if n.Tok != token.DEFINE {
			add(n.Pos(), n.End(), to("{}"))
		}
	case *ast.IncDecStmt:
		add(n.TokPos, n.End(), to(map[token.Token]string{token.INC: "--", token.DEC: "++"}[n.Tok]))
		add(n.Pos(), n.End(), to("{}"))
	case *ast.ExprStmt:
		add(n.Pos(), n.End(), to("{}"))
	case *ast.BranchStmt:
		if n.Tok == token.CONTINUE || n.Tok == token.BREAK {
			add(n.Pos(), n.End(), to("{}"))
		}
	}
	return out
}
