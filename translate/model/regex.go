package model

import (
	"errors"
	"fmt"
	"regexp/syntax"
)

// regexBudget bounds the compiled size of a pattern; RE2, which Envoy uses, gives up
// at some 350,000 steps of 8 MB.
const regexBudget = 100_000

// CheckRegex says why a proxy might not take a pattern, nil if it will: the syntax is
// RE2's, which Go shares, and it must not grow beyond what RE2 compiles.
func CheckRegex(pattern string) error {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		var why *syntax.Error
		if errors.As(err, &why) {
			return fmt.Errorf("%s: %q", why.Code, why.Expr)
		}
		return err
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return err
	}
	steps := 0
	for i := range prog.Inst {
		steps += 1 + 4*len(prog.Inst[i].Rune) // a range of runes is several of bytes
	}
	if steps > regexBudget {
		return fmt.Errorf("it compiles to some %d steps, and no more than %d are sent", steps, regexBudget)
	}
	return nil
}
