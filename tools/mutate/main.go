package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// result is what became of one mutant.
type result int

const (
	killed result = iota
	survived
	invalid // does not compile
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
	if err != nil {
		return false, err
	}
	tmp, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(tmp)
	if out, err := goTest(dir, "", timeout); err != nil {
		return false, fmt.Errorf("the tests fail without any change: %w\n%s", err, out)
	}
	results := runAll(dir, tmp, mutants, workers, timeout)
	var count [3]int
	explained := 0
	for i, m := range mutants {
		count[results[i]]++
		if results[i] != survived {
			continue
		}
		if strings.Contains(known, "`"+m.key()+"`") {
			explained++
			continue
		}
		fmt.Println(m)
	}
	fmt.Printf("%s: %d killed, %d survived (%d of them explained), %d did not compile\n",
		filepath.Base(dir), count[killed], count[survived], explained, count[invalid])
	return count[survived] == explained, nil
}

func runAll(dir, tmp string, mutants []mutant, workers int, timeout time.Duration) []result {
	results := make([]result, len(mutants))
	next := make(chan int)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range next {
				results[i] = try(dir, filepath.Join(tmp, fmt.Sprint(i)), mutants[i], timeout)
				if results[i] == survived {
					fmt.Fprintf(os.Stderr, "survived: %s\n", mutants[i])
				}
			}
		})
	}
	for i := range mutants {
		if i%10 == 0 {
			fmt.Fprintf(os.Stderr, "%s: %d of %d\n", filepath.Base(dir), i, len(mutants))
		}
		next <- i
	}
	close(next)
	wg.Wait()
	return results
}

// try runs the tests on one mutant; base is the start of its files' names.
func try(dir, base string, m mutant, timeout time.Duration) result {
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {m.file: base + ".go"}})
	if err == nil {
		err = os.WriteFile(base+".json", overlay, 0o600)
	}
	if err == nil {
		err = os.WriteFile(base+".go", m.apply(), 0o600)
	}
	if err != nil {
		panic(err) // the temporary directory is gone
	}
	out, err := goTest(dir, base+".json", timeout)
	switch {
	case err == nil:
		return survived
	case bytes.Contains(out, []byte("[build failed]")), bytes.Contains(out, []byte("[setup failed]")):
		return invalid
	default:
		return killed
	}
}

func goTest(dir, overlay string, timeout time.Duration) ([]byte, error) {
	cmd := exec.Command("go", "test", "-short", "-count=1", "-failfast", "-vet=off", "-ldflags=-s -w",
		"-timeout="+timeout.String(), "-overlay="+overlay, ".")
	cmd.Dir = dir
	return cmd.CombinedOutput()
}
