package admin

import (
	"fmt"
	"net/http"
)

// index lists what Handler serves, a path a line.
func index(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprint(w, `coastwise

/livez            the publishing loop moves
/readyz           everything has been read once
/readyz?verbose   and every object that was refused, why, and what acts in its place
/problems         everything that users can mend (JSON)
/proxies          who is connected, and in step or not (JSON); ?replicas=all: to any replica; as a table: coastwise proxies
/metrics          for Prometheus
`)
}
