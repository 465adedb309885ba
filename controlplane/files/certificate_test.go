package files

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// secretFile is a file of file SDS; body is indented by 2.
func secretFile(name, body string) string {
	return "resources:\n- \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret\n  name: " + name + "\n" + body
}

// byPath names files that are Envoy's to read.
const byPath = "  tls_certificate: {certificate_chain: {filename: /none/tls.crt}, private_key: {filename: /none/tls.key}}\n"

// pair is a certificate and its key, as JSON strings.
func pair(t *testing.T) (chain, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	bare, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	text := func(kind string, der []byte) string {
		return fmt.Sprintf("%q", pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return text("CERTIFICATE", der), text("PRIVATE KEY", bare)
}

// TestCertificateIn has what Envoy 1.40 was seen to refuse: a key of another certificate, and a
// Secret without one, are the two after which it refuses the listener too.
func TestCertificateIn(t *testing.T) {
	chain, key := pair(t)
	_, other := pair(t)
	inline := func(chain, key string) string {
		return secretFile("shop.a", "  tls_certificate: {certificate_chain: {inline_string: "+chain+"}, private_key: {inline_string: "+key+"}}\n")
	}
	for _, tt := range []struct{ name, file, wrong string }{
		{"files that Envoy reads", secretFile("shop.a", byPath), ""},
		{"a pair", inline(chain, key), ""},
		{"other spelling", strings.NewReplacer("tls_c", "tlsC", "certificate_chain", "certificateChain", "private_key", "privateKey", "inline_string", "inlineString").Replace(inline(chain, key)), ""},
		{"a field of a later Envoy", secretFile("shop.a", byPath+"  not_yet: 1\n"), ""},
		{"a key of another", inline(chain, other), "private key does not match public key"},
		{"no PEM", inline("a", "b"), "failed to find any PEM data"},
		{"empty", "", "it is empty"},
		{"nothing in it", "resources: []\n", "resources: 0, and one is wanted"},
		{"no YAML", "junk: [", "it is no YAML"},
		{"two", secretFile("shop.a", byPath) + strings.TrimPrefix(secretFile("shop.b", byPath), "resources:\n"), "resources: 2"},
		{"another type", "resources:\n- \"@type\": type.googleapis.com/envoy.config.core.v3.DataSource\n  filename: a\n", "no Secret"},
		{"another name", secretFile("a", byPath), `resources[0].name is "a", not "shop.a"`},
		{"a CA", secretFile("shop.a", "  validation_context: {trusted_ca: {filename: /ca}}\n"), "resources[0].tls_certificate is missing"},
		{"no key", secretFile("shop.a", "  tls_certificate: {certificate_chain: {filename: /a}}\n"), "private_key is missing"},
		{"no chain", secretFile("shop.a", "  tls_certificate: {private_key: {filename: /a}}\n"), "certificate_chain is missing"},
	} {
		err := certificateIn([]byte(tt.file), "shop.a")
		if tt.wrong == "" && err != nil || tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.wrong)
		}
	}
}

// The store knows which files hold certificates, of one name the first folder's, also where
// there is no manifest; and when one comes. One that is spoilt stays with what it held.
func TestCertificatesOfGateways(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	put := func(dir, name, body string) {
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(secretFile(name, body)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(first, "shop.a", byPath)
	put(second, "shop.a", byPath)
	put(second, "shop.b", byPath)
	put(first, "shop.bad", "")
	put(first, "rule", byPath) // a credentialName
	if err := os.Mkdir(filepath.Join(first, "shop.c.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	st := store.New()
	s := New(nil, st, slog.New(slog.DiscardHandler), TLSDirs([]string{first, second}))
	if err := s.Load(); err != nil {
		t.Fatal(err)
	}
	spoilt := func(name string) string {
		return filepath.Join(first, name+".yaml") + " holds no certificate: resources[0].tls_certificate is missing"
	}
	want := ingest.Credentials{
		Folders: []string{first, second}, In: map[string]string{"shop.a": first, "shop.b": second},
		Wrong: map[string]string{"shop.bad": spoilt("shop.bad")},
	}
	check := func(what string) {
		t.Helper()
		if diff := cmp.Diff(want, st.GatewayObjects(model.GatewayName{Namespace: "shop", Name: "g"}).Credentials); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	check("at first")
	put(first, "shop.b", byPath)
	s.reload(nil, false)
	want.In["shop.b"] = first
	check("another in the first folder")
	put(first, "shop.a", "")
	put(first, "shop.bad", byPath)
	s.reload(nil, false)
	want.In["shop.bad"], want.Wrong = first, map[string]string{"shop.a": spoilt("shop.a")}
	check("one spoilt, one mended")
}
