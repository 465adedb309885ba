package main

import (
	"fmt"
	"io"
	"strings"
)

// Frame is what is on the screen for one chapter.
type Frame struct {
	Number, Of int
	Chapter    Chapter
	// Events are told one a line, above the table.
	Events []string
	Rows   []Row
	// Want is how many requests each client has to send; Done says that the
	// chapter is over.
	Want int
	Done bool
	// Wrong is what Judge said, for the end of the chapter.
	Wrong []string
}

// Style says how to draw. The zero Style is plain text.
type Style struct{ Colour bool }

func (s Style) paint(code, text string) string {
	if !s.Colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Colours of a terminal.
const (
	bold  = "1"
	faint = "2"
	red   = "31;1"
	green = "32"
)

// Widths that show five zones on 80 columns.
const (
	nameWidth = 9
	cellWidth = 10
	lastWidth = 9
)

// Lines draws a frame: one string a line.
func (s Style) Lines(l Layout, f Frame) []string {
	title := fmt.Sprintf("%d/%d %s", f.Number, f.Of, f.Chapter.Title)
	out := []string{"", s.paint(bold, title), "  " + f.Chapter.Story}
	for _, e := range f.Events {
		out = append(out, s.paint(faint, "  - "+e))
	}
	if len(f.Rows) == 0 {
		return out
	}
	out = append(out, s.paint(faint, header(l)))
	for _, r := range f.Rows {
		out = append(out, s.row(l, r))
	}
	if !f.Done {
		return append(out, progress(f))
	}
	for _, w := range f.Wrong {
		out = append(out, s.paint(red, "  WRONG: "+w))
	}
	if len(f.Wrong) == 0 {
		out = append(out, s.paint(green, fmt.Sprintf("  ok: every share within %d points of the prediction", tolerance)))
	}
	return out
}

func header(l Layout) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  %-*s", nameWidth, "client")
	for _, z := range l.Zones {
		fmt.Fprintf(&b, "%*s", cellWidth, z)
	}
	fmt.Fprintf(&b, "%*s%*s", cellWidth, "failed", lastWidth, "requests")
	return b.String()
}

func (s Style) row(l Layout, r Row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  %-*s", nameWidth, r.name(l))
	for _, c := range Cells(l, r) {
		text := fmt.Sprintf("%*s", cellWidth, c.text())
		if r.Window.Requests > 0 && c.Off() {
			text = s.paint(red, text)
		} else if c.Predicted == 0 {
			text = s.paint(faint, text)
		}
		b.WriteString(text)
	}
	fmt.Fprintf(&b, "%*d", lastWidth, r.Window.Requests)
	return b.String()
}

// text is MEASURED/PREDICTED in percent, or a dot for nothing that was to be nothing.
func (c Cell) text() string {
	if c.Measured == 0 && c.Predicted == 0 {
		return "."
	}
	return fmt.Sprintf("%.1f/%.0f", c.Measured, c.Predicted)
}

// progress is a bar of the slowest client.
func progress(f Frame) string {
	const width = 40
	least := f.Want
	for _, r := range f.Rows {
		least = min(least, r.Window.Requests)
	}
	full := width * least / f.Want
	return fmt.Sprintf("  [%s%s]", strings.Repeat("#", full), strings.Repeat("-", width-full))
}

// Screen shows frames: redrawn in place on a terminal, else only what is new.
type Screen struct {
	Out      io.Writer
	Terminal bool
	Style    Style
	// height is how many lines the frame that may still change takes.
	height int
	// told is how many events of the current frame were printed.
	told int
}

// Show draws a frame over the one before, unless that was Done. Where there is
// no terminal it prints new events, and the table when the frame is Done.
func (s *Screen) Show(l Layout, f Frame) {
	if !s.Terminal {
		s.tell(l, f)
		return
	}
	lines := s.Style.Lines(l, f)
	fmt.Fprint(s.Out, "\x1b[?7l") // a line that wraps would be two
	if s.height > 0 {
		fmt.Fprintf(s.Out, "\x1b[%dA", s.height)
	}
	for _, line := range lines {
		fmt.Fprintf(s.Out, "\r%s\x1b[K\n", line)
	}
	fmt.Fprint(s.Out, "\x1b[J\x1b[?7h")
	s.height = len(lines)
	if f.Done {
		s.height = 0
	}
}

// tell prints what a frame has beyond the lines that were printed already: the
// title and the events come once, the table when all is known.
func (s *Screen) tell(l Layout, f Frame) {
	open := Style{}.Lines(l, Frame{Number: f.Number, Of: f.Of, Chapter: f.Chapter, Events: f.Events})
	for _, line := range open[min(s.told, len(open)):] {
		fmt.Fprintln(s.Out, line)
	}
	s.told = len(open)
	if !f.Done {
		return
	}
	for _, line := range s.Style.Lines(l, f)[len(open):] {
		fmt.Fprintln(s.Out, line)
	}
	s.told = 0
}
