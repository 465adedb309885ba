package files

import (
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
