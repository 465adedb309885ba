package main

import (
	"bytes"
	"strings"
	"testing"
)

func frame() (Layout, Frame) {
	l, c, _, r := spilled()
	return l, Frame{Number: 3, Of: 7, Chapter: c, Events: []string{"SIGKILL for 2 processes"}, Rows: []Row{r}, Want: 3000}
}

func TestDrawnTable(t *testing.T) {
	l, f := frame()
	f.Done = true
	got := strings.Join(Style{}.Lines(l, f), "\n")
	want := `
3/7 half of a zone dies
  2 of 4 endpoints of eu/eu-1 are killed: the rest of eu helps out
  - SIGKILL for 2 processes
  client      eu/eu-1   eu/eu-2   us/us-1   us/us-2   ap/ap-1    failed requests
  eu/eu-1     69.3/70   30.7/30         .         .         .         .     3000
  ok: every share within 5 points of the prediction`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	f.Wrong = []string{"eu/eu-1 got 1 %"}
	if got := strings.Join(Style{}.Lines(l, f), "\n"); !strings.HasSuffix(got, "  WRONG: eu/eu-1 got 1 %") {
		t.Errorf("what is wrong is not told:\n%s", got)
	}
}

func TestOnlyWrongCellsAreRed(t *testing.T) {
	l, f := frame()
	style := Style{Colour: true}
	if got := style.row(l, f.Rows[0]); strings.Contains(got, "\x1b["+red) {
		t.Errorf("red in %q", got)
	}
	f.Rows[0].Predicted["node-eu-eu-1-3"] = 60
	got := style.row(l, f.Rows[0])
	if !strings.Contains(got, "\x1b["+red+"m   69.3/95\x1b[0m") || strings.Count(got, "\x1b["+red) != 1 {
		t.Errorf("not the one cell that is off: %q", got)
	}
	f.Rows[0].Window.Requests = 0
	if got := style.row(l, f.Rows[0]); strings.Contains(got, "\x1b["+red) {
		t.Errorf("nothing is wrong before the first request: %q", got)
	}
}

func TestProgressIsThatOfTheSlowest(t *testing.T) {
	_, f := frame()
	f.Rows = append(f.Rows, f.Rows[0])
	f.Rows[1].Window.Requests = 1500
	if got, want := progress(f), "  ["+strings.Repeat("#", 20)+strings.Repeat("-", 20)+"]"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestTerminalIsRedrawnInPlace(t *testing.T) {
	l, f := frame()
	var out bytes.Buffer
	s := Screen{Out: &out, Terminal: true}
	s.Show(l, f)
	lines := strings.Count(out.String(), "\n")
	if lines != len(s.Style.Lines(l, f)) || strings.Contains(out.String(), "A\r") {
		t.Errorf("first frame: %q", out.String())
	}
	out.Reset()
	f.Done = true
	s.Show(l, f)
	if want := "\x1b[?7l\x1b[7A\r"; lines != 7 || !strings.HasPrefix(out.String(), want) {
		t.Errorf("second frame, after %d lines, begins with %q", lines, out.String()[:14])
	}
	out.Reset()
	s.Show(l, f)
	if strings.Contains(out.String(), "A\r") {
		t.Error("a frame that was done is drawn over")
	}
}

func TestPlainLinesAreNeverRepeated(t *testing.T) {
	l, f := frame()
	var out bytes.Buffer
	s := Screen{Out: &out}
	s.Show(l, f)
	s.Show(l, f)
	f.Events = append(f.Events, "every Envoy follows")
	s.Show(l, f)
	f.Done = true
	s.Show(l, f)
	if got, want := out.String(), strings.Join(Style{}.Lines(l, f), "\n")+"\n"; got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("escape codes in plain output")
	}
}
