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

func main() {
	workers := flag.Int("workers", 2, "mutants tested at the same time")
	timeout := flag.Duration("timeout", 30*time.Second, "for the tests of one mutant; a mutant that takes longer is killed")
	knownFile := flag.String("known", "../docs/mutants.md", "explained mutants")
	flag.Parse()
	known, _ := os.ReadFile(*knownFile) // no file: nothing is known
	ok := flag.NArg() > 0
	for _, dir := range flag.Args() {
		good, err := mutatePackage(dir, *workers, *timeout, string(known))
		if err != nil {
			fmt.Fprintf(os.Stderr, "mutate: %s: %v\n", dir, err)
		}
		ok = ok && good && err == nil
	}
	if !ok {
		os.Exit(1)
	}
}

// mutatePackage tests every mutant of one directory and prints the survivors
// that are not known.
func mutatePackage(dir string, workers int, timeout time.Duration, known string) (ok bool, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return false, err
	}
	mutants, err := find(dir)
	if err != nil || len(mutants) == 0 {
		return false, fmt.Errorf("%d mutants: %w", len(mutants), err)
	}
	tmp, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(tmp)
	bin, invalid, err := build(dir, tmp, mutants)
	if err != nil {
		return false, err
	}
	if out, err := run(dir, bin, 0, timeout); err != nil {
		return false, fmt.Errorf("the tests fail without any change: %w\n%s", err, out)
	}
	survived := runAll(dir, bin, mutants, invalid, workers, timeout)
	explained, left := 0, 0
	for i, m := range mutants {
		switch {
		case !survived[i]:
		case strings.Contains(known, "`"+m.key()+"`"):
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
func runAll(dir, bin string, mutants []mutant, invalid map[int]bool, workers int, timeout time.Duration) []bool {
	survived := make([]bool, len(mutants))
	next := make(chan int)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range next {
				if _, err := run(dir, bin, i+1, timeout); err == nil {
					survived[i] = true
					fmt.Fprintf(os.Stderr, "survived: %s\n", mutants[i])
				}
			}
		})
	}
	for i := range mutants {
		if i%25 == 0 {
			fmt.Fprintf(os.Stderr, "%s: %d of %d\n", filepath.Base(dir), i, len(mutants))
		}
		if !invalid[i] {
			next <- i
		}
	}
	close(next)
	wg.Wait()
	return survived
}

// run runs the tests on one mutant; 0 is the package as it is.
func run(dir, bin string, mutant int, timeout time.Duration) ([]byte, error) {
	cmd := exec.Command(bin, "-test.short", "-test.failfast", "-test.timeout="+timeout.String())
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), fmt.Sprintf("MUTANT=%d", mutant))
	return cmd.CombinedOutput()
}
