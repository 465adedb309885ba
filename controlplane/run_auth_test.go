package controlplane

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	authenticationv1 "k8s.io/api/authentication/v1"

	"github.com/coastwise/coastwise/controlplane/admin"
	"github.com/coastwise/coastwise/controlplane/auth/authtest"
	"github.com/coastwise/coastwise/controlplane/files"
	"github.com/coastwise/coastwise/controlplane/snapshot"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/controlplane/xds"
	"github.com/coastwise/coastwise/translate/model"
)

func TestClientsConfigListsEveryMistake(t *testing.T) {
	dir := t.TempDir()
	authtest.NewCA(t).Write(dir)
	in := func(name string) string { return filepath.Join(dir, name) }
	cert, key, ca := in("tls.crt"), in("tls.key"), in("ca.crt")
	const here, beyond = "127.0.0.1:15010", "0.0.0.0:15010"
	if err := os.WriteFile(in("k"), []byte(`{contexts: [{name: x, context: {cluster: c}}], clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	api := KubeConfig{Kubeconfig: in("k"), Context: "x"}
	for name, c := range map[string]struct {
		xds     string
		clients ClientsConfig
		kube    KubeConfig
		want    []string
	}{
		"loopback":               {here, ClientsConfig{}, KubeConfig{}, nil},
		"loopback, insecure":     {here, ClientsConfig{Insecure: true}, KubeConfig{}, nil},
		"loopback, TLS":          {here, ClientsConfig{Cert: cert, Key: key, CA: ca}, KubeConfig{}, nil},
		"beyond":                 {beyond, ClientsConfig{}, KubeConfig{}, []string{"--xds: ", "give --tls-cert and --tls-key, or --insecure"}},
		"beyond, insecure":       {beyond, ClientsConfig{Insecure: true}, KubeConfig{}, nil},
		"beyond, TLS, tokens":    {beyond, ClientsConfig{Cert: cert, Key: key, Audience: "a"}, api, nil},
		"beyond, both":           {beyond, ClientsConfig{Cert: cert, Key: key, CA: ca, TrustDomain: "td"}, api, nil},
		"nobody can be verified": {here, ClientsConfig{Cert: cert, Key: key}, KubeConfig{}, []string{"--tls-cert: nobody could be verified"}},
		"both ways":              {beyond, ClientsConfig{Cert: cert, Key: key, CA: ca, Insecure: true}, KubeConfig{}, []string{"--insecure: contradicts"}},
		"CA alone":               {here, ClientsConfig{CA: ca}, KubeConfig{}, []string{"--client-ca: needs --tls-cert"}},
		"without key":            {beyond, ClientsConfig{Cert: cert, CA: ca}, KubeConfig{}, []string{"--tls-key: missing"}},
		"bad domain":             {here, ClientsConfig{Cert: cert, Key: key, CA: ca, TrustDomain: "A b"}, KubeConfig{}, []string{`--trust-domain: "A b" is no trust domain`}},
		"domain alone":           {here, ClientsConfig{TrustDomain: "td"}, KubeConfig{}, []string{"--trust-domain: means nothing"}},
		"audience alone":         {here, ClientsConfig{Audience: "a"}, api, []string{"--token-audience: means nothing"}},
		"all at once": {beyond, ClientsConfig{Cert: in("x"), Key: in("y"), CA: key, Insecure: true, Audience: "a"}, KubeConfig{}, []string{
			"--tls-cert: stat", "--tls-key: stat", "--client-ca: ", "no certificate in it", "--insecure: contradicts", "--token-audience",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			err := Config{From: []string{"x"}, XDS: c.xds, Admin: here, Clients: c.clients, Kube: c.kube}.Validate()
			if (err == nil) != (c.want == nil) {
				t.Fatalf("got %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q lacks %q", err, want)
				}
			}
		})
	}
}

// logged is a log that may be read while it is written.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// secured is a server whose clients are verified, with an API server that reviews
// tokens and has no other object.
type secured struct {
	t        *testing.T
	api      *authtest.API
	ca       *authtest.CA
	dir      string
	log      logged
	address  string
	registry *prometheus.Registry
	server   *xds.Server
	hub      *snapshot.Hub
}

func secure(t *testing.T, manifests string) *secured {
	t.Helper()
	s := &secured{t: t, api: authtest.NewAPI(t), ca: authtest.NewCA(t), dir: t.TempDir(), registry: prometheus.NewRegistry()}
	s.ca.Write(s.dir)
	from := t.TempDir()
	if err := os.WriteFile(filepath.Join(from, "mesh.yaml"), []byte(manifests), 0o600); err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(s.dir, name) }
	c := Config{
		Log: slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug})), XDS: "127.0.0.1:0",
		Kube: KubeConfig{Kubeconfig: s.api.Kubeconfig(t)}, Clients: ClientsConfig{Cert: in("tls.crt"), Key: in("tls.key"), CA: in("ca.crt")},
	}
	clients, err := c.newClients()
	if err != nil {
		t.Fatal(err)
	}
	st := store.New()
	if err := files.New([]string{from}, st, c.Log).Load(); err != nil {
		t.Fatal(err)
	}
	s.hub = snapshot.New(st, 0, c.Log)
	s.hub.Publish(time.Now())
	s.registry.MustRegister(clients.collectors()...)
	s.server = xds.New(clients.secure(xds.Config{
		Hub: hub{s.hub}, Ready: s.hub.Synced, Log: c.Log, Metrics: xds.NewMetrics(s.registry),
		Limits: xds.DefaultServerLimits(), Pod: podsOf(st), Inspect: c.isOwn, Ztunnel: c.isZtunnel,
	}))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = l.Addr().String()
	go s.server.Serve(l) //nolint:errcheck // it is stopped
	t.Cleanup(s.server.Stop)
	return s
}

// ask opens a stream with a token and a certificate's URI, either may be empty, and
// returns what ends it or a response.
func (s *secured) ask(token, uri, id, node string) error {
	s.t.Helper()
	config := &tls.Config{InsecureSkipVerify: true}
	if uri != "" {
		pair, err := tls.X509KeyPair(s.ca.Issue(time.Now().Add(time.Hour), uri))
		if err != nil {
			s.t.Fatal(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	conn, err := grpc.NewClient(s.address, grpc.WithTransportCredentials(credentials.NewTLS(config)))
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	if token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	}
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).DeltaAggregatedResources(ctx)
	if err != nil {
		return err
	}
	n := &corev3.Node{Id: id}
	if node != "" {
		claim := fmt.Sprintf(`{"id":%q,"metadata":{"coastwise":{"node":%q}}}`, id, node)
		if err := protojson.Unmarshal([]byte(claim), n); err != nil {
			s.t.Fatal(err)
		}
	}
	stream.Send(&discoveryv3.DeltaDiscoveryRequest{Node: n, TypeUrl: "type.googleapis.com/envoy.config.cluster.v3.Cluster"}) //nolint:errcheck // a refusal may be quicker
	_, err = stream.Recv()
	return err
}

// A token of one pod serves that pod and no other, and none of it is seen anywhere.
func TestTokensDecideAndAreNotSeen(t *testing.T) {
	s := secure(t, `
{apiVersion: v1, kind: Service, metadata: {name: one, namespace: shop}, spec: {ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web-1, namespace: shop, uid: uid-1}, spec: {nodeName: node-1, serviceAccountName: web}}
`)
	until := time.Now().Add(time.Hour)
	token := func(audience, pod, uid, node string) string {
		return s.api.Token(audience, until, authtest.Bound(audience, "shop", "web", pod, uid, node))
	}
	planted := map[string]string{
		"right": token("coastwise", "web-1", "uid-1", "node-1"), "former": token("coastwise", "web-1", "uid-0", "node-1"),
		"other": token("coastwise", "web-2", "uid-2", "node-2"), "vault": token("vault", "web-1", "uid-1", "node-1"),
		"unknown": s.api.Unknown("coastwise", until), "none": "", "garbage": "hunter2-is-no-token",
		"no pod": s.api.Token("coastwise", until, authenticationv1.TokenReviewStatus{
			Authenticated: true, Audiences: []string{"coastwise"}, User: authenticationv1.UserInfo{Username: "system:serviceaccount:shop:web"},
		}),
	}
	const web, db = "spiffe://cluster.local/ns/shop/sa/web", "spiffe://cluster.local/ns/shop/sa/db"
	for name, c := range map[string]struct {
		token, uri, id, node string
		want                 codes.Code
	}{
		"right":                  {token: "right", id: "shop/web-1", want: codes.OK},
		"another's node":         {token: "right", id: "shop/web-1", node: "node-2", want: codes.PermissionDenied},
		"another's node, other":  {token: "other", id: "shop/web-2", node: "node-1", want: codes.PermissionDenied},
		"another pod":            {token: "other", id: "shop/web-1", want: codes.PermissionDenied},
		"former pod":             {token: "former", id: "shop/web-1", want: codes.PermissionDenied},
		"another audience":       {token: "vault", id: "shop/web-1", want: codes.Unauthenticated},
		"unknown":                {token: "unknown", id: "shop/web-1", want: codes.Unauthenticated},
		"no token at all":        {token: "garbage", id: "shop/web-1", want: codes.Unauthenticated},
		"no pod":                 {token: "no pod", id: "shop/web-1", want: codes.Unauthenticated},
		"neither":                {token: "none", id: "shop/web-1", want: codes.Unauthenticated},
		"certificate":            {token: "none", uri: web, id: "shop/web-1", want: codes.OK},
		"certificate of another": {token: "none", uri: db, id: "shop/web-1", want: codes.PermissionDenied},
		"certificate and token":  {token: "right", uri: web, id: "shop/web-1", want: codes.OK},
		"two accounts":           {token: "right", uri: db, id: "shop/web-1", want: codes.Unauthenticated},
	} {
		if err := s.ask(planted[c.token], c.uri, c.id, c.node); status.Code(err) != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		} else if err != nil && leaks(err.Error(), planted) != "" {
			t.Errorf("%s: the client is told %v", name, err)
		}
	}
	s.api.Down(true)
	if err := s.ask(planted["right"], "", "shop/web-1", ""); err != nil {
		t.Errorf("a token that is known, while the API server is away: %v", err)
	}
	if err := s.ask(token("coastwise", "web-3", "uid-3", "node-1"), "", "shop/web-3", ""); status.Code(err) != codes.Unavailable {
		t.Errorf("a token that is not known: %v", err)
	}
	seen := s.everything()
	for _, want := range []string{"a stream was refused", "coastwise_streams_refused_total{reason=\"other_pod\"} 1", "coastwise_token_reviews_total{result=\"unavailable\"} "} {
		if !strings.Contains(seen, want) {
			t.Errorf("%q is nowhere", want)
		}
	}
	if where := leaks(seen, planted); where != "" {
		t.Errorf("a token is seen: %s", where)
	}
}

// leaks is the surrounding of a planted secret, "" if none is there.
func leaks(text string, planted map[string]string) string {
	for _, token := range planted {
		for _, part := range append(strings.Split(token, ".")[1:], token) {
			if at := strings.Index(text, part); part != "" && at >= 0 {
				return text[max(0, at-80):min(len(text), at+40)]
			}
		}
	}
	return ""
}

// everything is the log and all that the admin port tells.
func (s *secured) everything() string {
	s.t.Helper()
	handler := admin.Handler(admin.Sources{
		Alive: func() bool { return true }, Draining: func() bool { return false }, Problems: func() []model.Problem { return s.hub.Problems() },
		Proxies: func() any { return s.server.Proxies() }, Skipped: func() map[string]int { return nil },
		Refused: func() admin.Refused { return admin.Refused{} }, Registry: s.registry,
	})
	out := s.log.String()
	for _, path := range []string{"/metrics", "/proxies", "/problems", "/readyz?verbose"} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		body, err := io.ReadAll(w.Body)
		if err != nil || len(body) == 0 {
			s.t.Errorf("%s: %v", path, err)
		}
		out += string(body)
	}
	return out
}

// Probes need no identity, over TLS.
func TestHealthNeedsNoIdentity(t *testing.T) {
	s := secure(t, "")
	conn, err := grpc.NewClient(s.address, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{InsecureSkipVerify: true})))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	h, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{})
	if err != nil || h.Status != healthv1.HealthCheckResponse_SERVING {
		t.Errorf("%v %v", h, err)
	}
}

// --insecure is said in the log.
func TestInsecureWarns(t *testing.T) {
	var log logged
	c := Config{Log: slog.New(slog.NewTextHandler(&log, nil)), XDS: "0.0.0.0:15010", Clients: ClientsConfig{Insecure: true}}
	clients, err := c.newClients()
	if err != nil || !strings.Contains(log.String(), "--insecure: everybody") {
		t.Errorf("%v %q", err, log.String())
	}
	if got := clients.secure(xds.Config{}); got.Verify != nil || got.Credentials != nil {
		t.Errorf("%+v", got)
	}
	if !c.isOwn(xds.Verified{Namespace: "coastwise-system", ServiceAccount: "coastwise"}) ||
		c.isOwn(xds.Verified{Namespace: "shop", ServiceAccount: "coastwise"}) || c.isOwn(xds.Verified{Namespace: "coastwise-system", ServiceAccount: "web"}) {
		t.Error("who is coastwise itself")
	}
}
