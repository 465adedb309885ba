// Command mutate tests tests: it changes one package directory in small ways,
// one at a time, and runs the package's tests on each change.
//
//	go run -C tools ./mutate [-workers 2] [-timeout 30s] [-known ../docs/mutants.md]
//		[-files 'route*.go,vips.go'] [-also DIR=RUN]… [-sample 80] [-seed 1] DIR…
//
// -files changes only files with such names. -also lets tests of another package judge too,
// those that RUN chooses as go test -run does: where stories or what uses the package are
// its tests. -sample draws so many mutants of each DIR at random, by -seed.
//
// A change that no test notices survives, and is printed as
//
//	PACKAGE/FILE.go:LINE: BEFORE -> AFTER
//
// The sources are never touched: all mutants of a package are copies of their
// function in one test binary for each package that judges, built once from a temporary
// overlay, and the environment variable MUTANT chooses which of them is called. What
// stands outside of functions is not changed.
//
// Survivors whose text, without :LINE, stands between backticks in the known
// file are equivalent mutants that somebody explained; they are counted, not
// printed. Exit 0: no other survivor. Exit 1: survivors, or the tests fail without
// any change. Tests run with -short.
package main
