package locality_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain runs fewer random cases under -short, for mutation testing, does not
// shrink and leaves no files, unless the command line says how many.
func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	if testing.Short() && !given {
		for name, value := range map[string]string{"rapid.checks": "60", "rapid.nofailfile": "true", "rapid.shrinktime": "1ms"} {
			if err := flag.Set(name, value); err != nil {
				panic(err)
			}
		}
	}
	os.Exit(m.Run())
}
