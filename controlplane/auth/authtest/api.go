package authtest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
)

// API reviews tokens over HTTP.
type API struct {
	URL string

	mu     sync.Mutex
	known  map[string]authenticationv1.TokenReviewStatus
	down   bool
	asked  int
	serial int
}

// NewAPI starts one that knows no token.
func NewAPI(t testing.TB) *API {
	a := &API{known: map[string]authenticationv1.TokenReviewStatus{}}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.URL = server.URL
	return a
}

// Kubeconfig writes a file that leads to it.
func (a *API) Kubeconfig(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf("apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: %q}}]\n"+
		"contexts: [{name: c, context: {cluster: c}}]\ncurrent-context: c\n", a.URL)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// ServeHTTP answers TokenReviews.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.URL.Path != "/apis/authentication.k8s.io/v1/tokenreviews" || r.Method != http.MethodPost {
		http.NotFound(w, r)
		return
	}
	a.asked++
	body, err := io.ReadAll(r.Body)
	var review authenticationv1.TokenReview // in JSON or protobuf
	if err == nil {
		_, _, err = scheme.Codecs.UniversalDeserializer().Decode(body, nil, &review)
	}
	if a.down || err != nil {
		http.Error(w, "down", http.StatusInternalServerError)
		return
	}
	review.TypeMeta = metav1.TypeMeta{APIVersion: "authentication.k8s.io/v1", Kind: "TokenReview"}
	review.Status = authenticationv1.TokenReviewStatus{Error: "[invalid bearer token " + review.Spec.Token + "]"}
	if s, ok := a.known[review.Spec.Token]; ok {
		review.Status = s
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(review) //nolint:errcheck // the client is gone
}

// Down makes every review fail, or no longer.
func (a *API) Down(is bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.down = is
}

// Asked is how many reviews were asked for.
func (a *API) Asked() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked
}

// Unknown makes a token that the API server knows nothing of.
func (a *API) Unknown(audience string, expires time.Time) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.serial++
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	return part(`{"alg":"none"}`) + "." +
		part(fmt.Sprintf(`{"aud":[%q],"exp":%d,"jti":"%d"}`, audience, expires.Unix(), a.serial)) + "." + part(fmt.Sprintf("signature %d", a.serial))
}

// Token makes a token for which the review is this.
func (a *API) Token(audience string, expires time.Time, status authenticationv1.TokenReviewStatus) string {
	token := a.Unknown(audience, expires)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.known[token] = status
	return token
}

// Bound is the review of a token of a Pod.
func Bound(audience, namespace, account, pod, uid, node string) authenticationv1.TokenReviewStatus {
	return authenticationv1.TokenReviewStatus{
		Authenticated: true, Audiences: []string{audience},
		User: authenticationv1.UserInfo{
			Username: "system:serviceaccount:" + namespace + ":" + account,
			Extra: map[string]authenticationv1.ExtraValue{
				"authentication.kubernetes.io/pod-name": {pod}, "authentication.kubernetes.io/pod-uid": {uid},
				"authentication.kubernetes.io/node-name": {node},
			},
		},
	}
}
