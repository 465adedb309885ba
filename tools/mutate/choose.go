package main

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
)

// alsoFlag is every -also DIR=RUN.
type alsoFlag []also

// also is another package whose tests judge, and which of them.
type also struct{ dir, run string }

func (f *alsoFlag) String() string { return fmt.Sprint([]also(*f)) }

// Set reads one DIR=RUN; without RUN every test of DIR judges.
func (f *alsoFlag) Set(text string) error {
	dir, run, _ := strings.Cut(text, "=")
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	*f = append(*f, also{dir, run})
	return nil
}

// matches says whether one of the patterns, which commas separate, is that of
// the file's name. No pattern is every file's.
func matches(patterns, file string) (bool, error) {
	if patterns == "" {
		return true, nil
	}
	for pattern := range strings.SplitSeq(patterns, ",") {
		if ok, err := filepath.Match(pattern, filepath.Base(file)); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// draw keeps n of the mutants, in their order; all of them if n is 0.
func draw(mutants []mutant, n int, seed uint64) []mutant {
	if n == 0 || n >= len(mutants) {
		return mutants
	}
	kept := rand.New(rand.NewPCG(seed, 0)).Perm(len(mutants))[:n]
	slices.Sort(kept)
	drawn := make([]mutant, 0, n)
	for _, i := range kept {
		drawn = append(drawn, mutants[i])
	}
	return drawn
}
