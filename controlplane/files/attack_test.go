package files

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestFirstHalf: the first half of a file that is being written parses, and
// deletes nothing; what is still missing after a while has been deleted.
func TestFirstHalf(t *testing.T) {
	whole := svc("a", 1) + "---\n" + svc("b", 1) + "---\n" + svc("c", 1)
	w := newWorld(t, map[string]string{"m.yaml": whole}, "")
	w.must(w.source.Load())
	half := svc("a", 2)
	w.write("m.yaml", half)
	if again := w.source.reload(nil, false); again == 0 {
		t.Error("will not look again")
	}
	w.want("a=1 b=1 c=1", "")
	w.write("m.yaml", half+"---\n"+svc("b", 2)+"---\n"+svc("c", 2))
	if again := w.source.reload(nil, false); again != 0 {
		t.Error("still waiting")
	}
	w.want("a=2 b=2 c=2", "")

	w.write("m.yaml", svc("c", 2))
	w.source.reload(nil, false)
	for id := range w.source.seen { // long ago, but it is being written again
		w.source.seen[id].emptied = time.Now().Add(-emptyGrace)
	}
	w.write("m.yaml", half)
	w.source.reload(nil, false)
	w.want("a=2 b=2 c=2", "")
	for id := range w.source.seen { // as if the grace had passed
		w.source.seen[id].emptied = time.Now().Add(-emptyGrace)
	}
	if again := w.source.reload(nil, false); again != 0 {
		t.Error("still waiting")
	}
	w.want("a=2", "")
}

// TestShorterFileInPlace: a file that is put in another's place is whole, and
// counts at once.
func TestShorterFileInPlace(t *testing.T) {
	w := newWorld(t, map[string]string{"m.yaml": svc("a", 1) + "---\n" + svc("b", 1)}, "")
	w.must(w.source.Load())
	w.replace("m.yaml", svc("b", 2))
	if again := w.source.reload(nil, false); again != 0 {
		t.Error("waits")
	}
	w.want("b=2", "")
}

// TestBombs: a small file cannot cost much memory or time, and deletes nothing.
func TestBombs(t *testing.T) {
	for name, data := range map[string]string{
		"aliases":     "x: &x " + strings.Repeat("y", 100_000) + "\nl: [" + strings.Repeat("*x, ", 5000) + "]\n",
		"after end":   "a: 1\n...\nx: &x " + strings.Repeat("y", 100_000) + "\nl: [" + strings.Repeat("*x, ", 5000) + "]\n",
		"JSON lists":  strings.Repeat(`{"kind":"List","apiVersion":"v1","items":[`, 3000) + strings.Repeat("]}", 3000),
		"YAML lists":  strings.Repeat(`{kind: List, apiVersion: v1, items: [`, 900) + strings.Repeat("]}", 900),
		"only NULs":   strings.Repeat("\x00", 1000),
		"NULs inside": svc("a", 1) + "---\n\x00\n" + svc("b", 1),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		c := parse("f.yaml", []byte(data))
		runtime.ReadMemStats(&after)
		if !c.partial || len(c.objects) > 0 || len(c.problems) == 0 {
			t.Errorf("%s: %+v", name, c)
		}
		if spent := (after.TotalAlloc - before.TotalAlloc) >> 20; spent > 64 {
			t.Errorf("%s: %d MiB", name, spent)
		}
	}
}

// TestAliases: what people write with anchors is read.
func TestAliases(t *testing.T) {
	c := parse("f.yaml", []byte("apiVersion: v1\nkind: Service\nmetadata: {name: &n a, namespace: default, labels: {app: *n}}\nspec: {ports: [{name: *n, port: 80}]}\n"))
	if len(c.objects) != 1 || c.objects[0].object == nil {
		t.Errorf("%+v", c)
	}
}
