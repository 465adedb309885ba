package admin

import (
	"context"
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
	draining := false
	h := Handler(Sources{
		Alive: func() bool { return true }, Problems: func() []model.Problem { return nil },
		Draining: func() bool { return draining }, All: func(context.Context) any { return []string{"all"} },
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
	if got := get("/proxies?replicas=all").Body.String(); !strings.Contains(got, `"all"`) {
		t.Errorf("of all replicas: %s", got)
	}
	if got := get("/proxies?replicas=some").Code; got != http.StatusBadRequest {
		t.Errorf("of some replicas: %d", got)
	}
	draining = true
	for path, code := range map[string]int{"/readyz": 503, "/readyz?verbose": 503, "/livez": 200} {
		got := get(path)
		if got.Code != code || strings.Contains(got.Body.String(), "draining") != (code == 503) {
			t.Errorf("%s of a server that drains: %d %s", path, got.Code, got.Body)
		}
	}
	if got := get("/nothing").Code; got != http.StatusNotFound {
		t.Errorf("/nothing: %d", got)
	}
}
