package main

import (
	"go/ast"
	"go/token"
	"strings"
)

// function is one function that mutants change. start and end enclose its
// declaration, at is where its name ends, body where its body's text begins.
type function struct {
	pkg, name, receiver  string
	source               []byte
	start, at, body, end int
	args                 []string
	returns              bool
}

// newFunction is nil for functions that cannot be called again by name: without
// a body, or with a parameter or receiver that has none.
func newFunction(fset *token.FileSet, pkg string, source []byte, d *ast.FuncDecl) *function {
	if d.Body == nil {
		return nil
	}
	at := func(p token.Pos) int { return fset.Position(p).Offset }
	f := &function{
		pkg: pkg, name: d.Name.Name, source: source, start: at(d.Pos()), at: at(d.Name.End()),
		body: at(d.Body.Lbrace) + 1, end: at(d.End()), returns: d.Type.Results != nil,
	}
	for _, p := range d.Type.Params.List {
		for _, n := range p.Names {
			arg := n.Name
			if _, variadic := p.Type.(*ast.Ellipsis); variadic {
				arg += "..."
			}
			f.args = append(f.args, arg)
		}
		if len(p.Names) == 0 || p.Names[0].Name == "_" {
			return nil
		}
	}
	if d.Recv != nil {
		if len(d.Recv.List[0].Names) == 0 {
			return nil
		}
		f.receiver = d.Recv.List[0].Names[0].Name + "."
	}
	return f
}

// jump calls the copy with this name in place of the rest of the body.
func (f *function) jump(name string) string {
	call := f.receiver + name + "(" + strings.Join(f.args, ", ") + ")"
	if f.returns {
		return "return " + call
	}
	return call + "; return"
}
