package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/coastwise/coastwise/translate/lint"
	"github.com/coastwise/coastwise/translate/model"
)

// findingsWidth is how wide the lines of findings are, names that are longer excepted.
const findingsWidth = 116

// writeFindings prints findings object by object, and how many there are.
func writeFindings(w io.Writer, findings []lint.Finding) error {
	out := &errWriter{w: w}
	count := map[model.Severity]int{}
	for i, f := range findings {
		if i == 0 || f.Object != findings[i-1].Object || f.File != findings[i-1].File {
			if i > 0 {
				out.printf("\n")
			}
			out.printf("%s%s\n", f.Object, fileOf(f))
		}
		count[f.Severity]++
		out.printf("  %-7s  %s  %s%s\n", f.Severity, f.Rule, f.Field, lineOf(f))
		wrapped(out, "", f.Message)
		wrapped(out, "Istio: ", f.Istio)
		wrapped(out, "here:  ", f.Here)
		wrapped(out, "keep:  ", f.Keep)
	}
	if len(findings) == 0 {
		out.printf("no findings\n")
		return out.err
	}
	out.printf("\n%v: %d error, %d warning, %d info\n",
		findingsError{len(findings)}, count[model.Error], count[model.Warning], count[model.Info])
	return out.err
}

func fileOf(f lint.Finding) string {
	if f.File == "" {
		return ""
	}
	return fmt.Sprintf("  (%s, document %d)", f.File, f.Document)
}

func lineOf(f lint.Finding) string {
	if f.Line == 0 {
		return ""
	}
	return fmt.Sprintf("  (line %d)", f.Line)
}

// wrapped prints a text under its word, broken between words; nothing for "".
func wrapped(w *errWriter, word, text string) {
	const margin = "           "
	if text == "" {
		return
	}
	line := margin + word
	empty := true
	for part := range strings.FieldsSeq(text) {
		if !empty && len([]rune(line))+1+len([]rune(part)) > findingsWidth {
			w.printf("%s\n", line)
			line, empty = margin+strings.Repeat(" ", len(word)), true
		}
		if !empty {
			line += " "
		}
		line, empty = line+part, false
	}
	w.printf("%s\n", line)
}
