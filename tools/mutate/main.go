package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// job is what the command line says, the directories apart.
type job struct {
	workers int
	timeout time.Duration
	known   string // text of the known file
	files   string // patterns of file names, with commas; empty: all
	also    alsoFlag
	sample  int // 0: all
	seed    uint64
}

func main() {
	var j job
	flag.IntVar(&j.workers, "workers", 2, "mutants tested at the same time")
	flag.DurationVar(&j.timeout, "timeout", 30*time.Second, "for the tests of one mutant; a mutant that takes longer is killed")
	knownFile := flag.String("known", "../docs/mutants.md", "explained mutants")
	flag.StringVar(&j.files, "files", "", "`patterns` of file names, separated by commas: change only these")
	flag.Var(&j.also, "also", "`DIR=RUN`: the tests of another package that RUN chooses (like go test -run) judge too; may be repeated")
	flag.IntVar(&j.sample, "sample", 0, "so many mutants of each directory, drawn at random; 0: all")
	flag.Uint64Var(&j.seed, "seed", 1, "of the draw")
	flag.Parse()
	known, _ := os.ReadFile(*knownFile) // no file: nothing is known
	j.known = string(known)
	ok := flag.NArg() > 0
	for _, dir := range flag.Args() {
		good, err := j.mutatePackage(dir)
		if err != nil {
			fmt.Fprintf(os.Stderr, "mutate: %s: %v\n", dir, err)
		}
		ok = ok && good && err == nil
	}
	if !ok {
		os.Exit(1)
	}
}

// mutatePackage tests the mutants of one directory and prints the survivors
// that are not known.
func (j *job) mutatePackage(dir string) (ok bool, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return false, err
	}
	mutants, err := find(dir, j.files)
	if err != nil || len(mutants) == 0 {
		return false, fmt.Errorf("%d mutants: %w", len(mutants), err)
	}
	mutants = draw(mutants, j.sample, j.seed)
	tmp, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(tmp)
	judges, invalid, err := build(dir, tmp, mutants, j.also)
	if err != nil {
		return false, err
	}
	if out, err := j.run(judges, 0); err != nil {
		return false, fmt.Errorf("the tests fail without any change: %w\n%s", err, out)
	}
	survived := j.runAll(judges, mutants, invalid)
	explained, left := 0, 0
	for i, m := range mutants {
		switch {
		case !survived[i]:
		case strings.Contains(j.known, "`"+m.key()+"`"):
			explained++
		default:
			left++
			fmt.Println(m)
		}
	}
	fmt.Printf("%s: %d killed, %d survived, %d more explained, %d did not compile\n", filepath.Base(dir),
		len(mutants)-len(invalid)-left-explained, left, explained, len(invalid))
	return left == 0, nil
}

// runAll says of each mutant whether the tests passed.
func (j *job) runAll(judges []judge, mutants []mutant, invalid map[int]bool) []bool {
	survived := make([]bool, len(mutants))
	next := make(chan int)
	var wg sync.WaitGroup
	for range j.workers {
		wg.Go(func() {
			for i := range next {
				if _, err := j.run(judges, i+1); err == nil {
					survived[i] = true
					fmt.Fprintf(os.Stderr, "survived: %s\n", mutants[i])
				}
			}
		})
	}
	for i := range mutants {
		if i%25 == 0 {
			fmt.Fprintf(os.Stderr, "%s: %d of %d\n", mutants[0].pkg(), i, len(mutants))
		}
		if !invalid[i] {
			next <- i
		}
	}
	close(next)
	wg.Wait()
	return survived
}

// run runs the tests on one mutant, until the first that fails; 0 is the
// package as it is.
func (j *job) run(judges []judge, mutant int) ([]byte, error) {
	for _, by := range judges {
		cmd := exec.Command(by.bin, "-test.short", "-test.failfast", "-test.timeout="+j.timeout.String(), "-test.run="+by.run)
		cmd.Dir = by.dir
		cmd.Env = append(os.Environ(), fmt.Sprintf("MUTANT=%d", mutant))
		if out, err := cmd.CombinedOutput(); err != nil {
			return out, err
		}
	}
	return nil, nil
}
