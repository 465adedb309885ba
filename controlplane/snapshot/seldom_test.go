package snapshot

import (
	"flag"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// seldom checks a property whose every run is dear on so many draws, unless the
// command line says on how many.
func seldom(t *testing.T, checks int, property func(*rapid.T)) {
	t.Helper()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	if !given {
		f := flag.Lookup("rapid.checks")
		before := f.Value.String()
		if err := f.Value.Set(strconv.Itoa(checks)); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Value.Set(before) }()
	}
	rapid.Check(t, property)
}
