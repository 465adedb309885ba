package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/lint"
)

// findingsOf are those of a folder.
func findingsOf(t *testing.T, dir string) []lint.Finding {
	t.Helper()
	st := store.New()
	source, err := load([]string{dir}, nil, st)
	if err != nil {
		t.Fatal(err)
	}
	return findings(st, source, false, false)
}

// storyFolders has the manifests of every story of lint in a folder of its own.
func storyFolders(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("../../translate/testdata/lint-*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no stories", err)
	}
	var out []string
	for _, path := range paths {
		dir := t.TempDir()
		for _, f := range readStory(t, path).inputs {
			writeFile(t, dir, f.Name, f.Data)
		}
		out = append(out, dir)
	}
	return out
}

// TestLintIsOneAnswer: of every story the three outputs have the same findings, the
// table is narrow, and SARIF names its rules and lines.
func TestLintIsOneAnswer(t *testing.T) {
	found := map[string]bool{}
	for _, dir := range storyFolders(t) {
		findings := findingsOf(t, dir)
		code, text, _ := call(t.Context(), "lint", "-f", dir, "-o", "json")
		var array []map[string]any
		if err := json.Unmarshal([]byte(text), &array); err != nil || len(array) != len(findings) || (code == exitFindings) != (len(array) > 0) {
			t.Errorf("exit %d, %d findings, want %d: %v", code, len(array), len(findings), err)
		}
		for _, f := range findings {
			found[f.Rule] = true
		}
		checkTable(t, dir, findings)
		checkSARIF(t, dir, findings)
	}
	for _, r := range lint.Rules() {
		never := r.ID == "D12-remote-gateways" || r.ID == "D15-decisions-visible" // no object shows them
		if found[r.ID] == never {
			t.Errorf("%s is found by a story: %v", r.ID, found[r.ID])
		}
	}
}

func checkTable(t *testing.T, dir string, findings []lint.Finding) {
	t.Helper()
	_, table, _ := call(t.Context(), "lint", "-f", dir)
	for line := range strings.Lines(strings.ReplaceAll(table, dir+"/", "")) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 120 && !strings.HasPrefix(strings.TrimSpace(line), "warning") {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	for _, f := range findings {
		if !strings.Contains(table, f.Object.String()) || !strings.Contains(table, f.Rule+"  "+f.Field) {
			t.Errorf("the table has no %s of %s %s", f.Rule, f.Object, f.Field)
		}
	}
}

func checkSARIF(t *testing.T, dir string, findings []lint.Finding) {
	t.Helper()
	_, text, _ := call(t.Context(), "lint", "-f", dir, "-o", "sarif")
	var log sarifLog
	if err := json.Unmarshal([]byte(text), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if log.Version != "2.1.0" || len(run.Results) != len(findings) {
		t.Fatalf("version %s, %d results, want %d", log.Version, len(run.Results), len(findings))
	}
	for i, r := range run.Results {
		f := findings[i]
		if r.RuleIndex < 0 || run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID || r.RuleID != f.Rule {
			t.Errorf("result %d: rule %s at %d", i, r.RuleID, r.RuleIndex)
		}
		at := r.Locations[0].Physical
		if f.File == "" || at == nil || at.Artifact.URI != f.File || (at.Region == nil) != (f.Line == 0) {
			t.Errorf("result %d: %+v of %+v", i, at, f)
		}
	}
}

// TestLintLines: a finding's line is where its field stands.
func TestLintLines(t *testing.T) {
	looked := 0
	for _, dir := range storyFolders(t) {
		for _, f := range findingsOf(t, dir) {
			last := f.Field[strings.LastIndexAny(f.Field, ".")+1:]
			if f.Line == 0 || strings.Contains(last, "[") {
				continue
			}
			data, err := os.ReadFile(f.File)
			if err != nil {
				t.Fatal(err)
			}
			line := strings.Split(string(data), "\n")[f.Line-1]
			if strings.Contains(string(data), last+":") && !strings.Contains(line, last) && !strings.Contains(line, "spec") {
				t.Errorf("%s %s is not on line %d: %s", f.Object, f.Field, f.Line, line)
			}
			looked++
		}
	}
	if looked < 20 {
		t.Errorf("only %d lines were looked at", looked)
	}
}
