package main

import (
	"slices"
	"testing"
)

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		patterns, file string
		want           bool
	}{
		{"", "a/route.go", true},
		{"route*.go", "a/route_match.go", true},
		{"route*.go,vips.go", "a/vips.go", true},
		{"route*.go", "route/vips.go", false},
	} {
		if got, err := matches(c.patterns, c.file); err != nil || got != c.want {
			t.Errorf("%q and %s: %v %v", c.patterns, c.file, got, err)
		}
	}
	if _, err := matches("[", "a.go"); err == nil {
		t.Error("a pattern that cannot be read is taken")
	}
}

func TestDraw(t *testing.T) {
	all := make([]mutant, 50)
	for i := range all {
		all[i].line = i
	}
	lines := func(ms []mutant) (out []int) {
		for _, m := range ms {
			out = append(out, m.line)
		}
		return out
	}
	if got := draw(all, 0, 1); len(got) != 50 {
		t.Errorf("all are %d", len(got))
	}
	one, again, other := lines(draw(all, 10, 1)), lines(draw(all, 10, 1)), lines(draw(all, 10, 2))
	if len(one) != 10 || !slices.IsSorted(one) || !slices.Equal(one, again) || slices.Equal(one, other) || len(slices.Compact(one)) != 10 {
		t.Errorf("%v, %v, %v", one, again, other)
	}
}
