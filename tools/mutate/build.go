package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// chooser is the file that the overlay adds: 0 is the package as it is.
const chooser = `package %s

import (
	"os"
	"strconv"
)

var mutantChosen, _ = strconv.Atoi(os.Getenv("MUTANT"))
`

var inMutant = regexp.MustCompile(`mutant(\d+)\.go:`)

// judge is a test binary that holds every mutant that compiles, and which of
// its tests are asked, from where.
type judge struct{ bin, dir, run string }

// build makes the test binary of the package and one of each other package that
// judges, and says which mutants do not compile. Mutant i answers to MUTANT=i+1.
func build(dir, tmp string, mutants []mutant, others []also) (judges []judge, invalid map[int]bool, err error) {
	invalid = map[int]bool{}
	for {
		overlay, err := writeOverlay(dir, tmp, mutants, invalid)
		if err != nil {
			return nil, nil, err
		}
		judges = nil
		var out []byte
		for i, by := range slices.Concat([]also{{dir: dir}}, others) {
			bin := filepath.Join(tmp, fmt.Sprintf("judge%d.test", i))
			judges = append(judges, judge{bin, by.dir, by.run})
			cmd := exec.Command("go", "test", "-c", "-o", bin, "-vet=off", "-gcflags=-e", "-overlay="+overlay, ".")
			cmd.Dir = by.dir
			if out, err = cmd.CombinedOutput(); err != nil {
				break
			}
		}
		if err == nil {
			return judges, invalid, nil
		}
		before := len(invalid)
		for _, m := range inMutant.FindAllStringSubmatch(string(out), -1) {
			i, _ := strconv.Atoi(m[1])
			invalid[i] = true
		}
		if len(invalid) == before {
			return nil, nil, fmt.Errorf("build: %w\n%s", err, out)
		}
	}
}

func writeOverlay(dir, tmp string, mutants []mutant, invalid map[int]bool) (string, error) {
	replace := map[string]string{}
	write := func(path, text string) error {
		replace[path] = filepath.Join(tmp, filepath.Base(path))
		return os.WriteFile(replace[path], []byte(text), 0o600)
	}
	for path, text := range assemble(mutants, invalid) {
		if err := write(path, text); err != nil {
			return "", err
		}
	}
	if err := write(filepath.Join(dir, "mutant_chooser.go"), fmt.Sprintf(chooser, mutants[0].fn.pkg)); err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(tmp, "overlay.json")
	return path, os.WriteFile(path, overlay, 0o600)
}

// assemble is every file with its mutated copies behind it, and at the start of
// each function the jump to the chosen copy.
func assemble(mutants []mutant, invalid map[int]bool) map[string]string {
	jumps := map[*function]string{}
	copies := map[string]string{}
	files := map[string][]*function{}
	for i, m := range mutants {
		if _, ok := jumps[m.fn]; !ok {
			jumps[m.fn] = ""
			files[m.file] = append(files[m.file], m.fn)
		}
		if !invalid[i] {
			name := fmt.Sprintf("%sMutant%d", m.fn.name, i)
			jumps[m.fn] += "case " + strconv.Itoa(i+1) + ": " + m.fn.jump(name) + "; "
			copies[m.file] += fmt.Sprintf("\n//line mutant%d.go:1\n%s\n", i, m.copyAs(name))
		}
	}
	out := map[string]string{}
	for file, fns := range files {
		var b strings.Builder
		at := 0
		for _, fn := range fns { // in the order of the source
			b.Write(fn.source[at:fn.body])
			b.WriteString(" switch mutantChosen { " + jumps[fn] + "}; ")
			at = fn.body
		}
		b.Write(fns[0].source[at:])
		out[file] = b.String() + copies[file]
	}
	return out
}
