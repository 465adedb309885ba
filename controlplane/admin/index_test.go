package admin

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/coastwise/coastwise/translate/model"
)

// TestIndex: every path that the index names is served, and what it does not
// name is not found.
func TestIndex(t *testing.T) {
	h := Handler(Sources{
		Alive: func() bool { return true }, Problems: func() []model.Problem { return nil },
		Proxies: func() any { return []string{} }, Refused: func() Refused { return Refused{} }, Registry: prometheus.NewRegistry(),
	})
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w
	}
	named := 0
	for line := range strings.Lines(get("/").Body.String()) {
		if !strings.HasPrefix(line, "/") {
			continue
		}
		named++
		if path := strings.Fields(line)[0]; get(path).Code != http.StatusOK {
			t.Errorf("%s: %d", path, get(path).Code)
		}
	}
	if named != 6 {
		t.Errorf("%d paths", named)
	}
	if got := get("/nothing").Code; got != http.StatusNotFound {
		t.Errorf("/nothing: %d", got)
	}
}
