package files

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// pemOf is a certificate in PEM from the stories' folder of secrets, for a YAML block.
func pemOf(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../../translate/testdata/tls-gateway/shop.a.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "inline_string: |\n")
	chain, _, _ := strings.Cut(rest, "    private_key")
	return chain
}

// A file is a certificate by what it says of the chain, in both of Envoy's spellings; the
// key is not looked at, and other files are not.
func TestUnfitCertificates(t *testing.T) {
	chain := pemOf(t)
	for _, tt := range []struct{ text, want string }{
		{"resources: [{name: shop.a, tls_certificate: {certificate_chain: {filename: /no/such}, private_key: {inline_string: x}}}]", ""},
		{"resources: [{name: shop.a, tlsCertificate: {certificateChain: {filename: /no/such}}}]", ""},
		{"resources:\n- name: shop.a\n  tls_certificate:\n    certificate_chain:\n      inline_string: |\n" + chain, ""},
		{"resources:\n- name: shop.a\n  tlsCertificate:\n    certificateChain:\n      inlineString: |\n" + chain, ""},
		{"resources: [{name: other, tls_certificate: {}}, {name: shop.a, tls_certificate: {certificate_chain: {inline_bytes: SGVsbG8gd29ybGQK}}}]", "its certificate_chain is none: it holds no CERTIFICATE in PEM"},
		{"resources: [{name: shop.a, tls_certificate: {certificate_chain: {inline_string: ''}}}]", "its certificate_chain is none: it holds no CERTIFICATE in PEM"},
		{"resources: [{name: shop.a, tls_certificate: {}}]", "it has no certificate_chain"},
		{"resources: [{name: shop.b, tls_certificate: {certificate_chain: {filename: x}}}]", `it has no tls_certificate of the name "shop.a"`},
		{"resources: [{name: shop.a, validation_context: {}}]", `it has no tls_certificate of the name "shop.a"`},
		{"", `it has no tls_certificate of the name "shop.a"`},
		{"resources: [{name: shop.a, private_key: secret", "it does not parse"},
		{strings.Replace("resources:\n- name: shop.a\n  tls_certificate:\n    certificate_chain:\n      inline_string: |\n"+chain, "MIIB", "MIIC", 1), "its certificate_chain is none: x509: malformed certificate"},
	} {
		if got := unfit("shop.a", []byte(tt.text)); got != tt.want {
			t.Errorf("%.200s: %q, want %q", tt.text, got, tt.want)
		}
	}
}

// A certificate that never was one is not held; one that was stays held when its file is
// spoilt, since Envoys go on with what they have read, and both are told.
func TestSpoiltCertificates(t *testing.T) {
	dir := t.TempDir()
	path, clock := filepath.Join(dir, "shop.a.yaml"), time.Now()
	put := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		clock = clock.Add(time.Second)
		if err := os.Chtimes(path, clock, clock); err != nil {
			t.Fatal(err)
		}
	}
	st := store.New()
	s := New(nil, st, slog.New(slog.DiscardHandler), TLSDirs([]string{dir}))
	of := func() ingest.Credentials {
		return st.GatewayObjects(model.GatewayName{Namespace: "shop", Name: "g"}).Credentials
	}
	const good = "resources: [{name: shop.a, tls_certificate: {certificate_chain: {filename: x}}}]"
	for i, step := range []struct {
		text        string
		held, unfit bool
	}{{"bad", false, true}, {"worse", false, true}, {good, true, false}, {"bad", true, true}, {good, true, false}} {
		put(step.text)
		s.reload(nil, false)
		_, held := of().In["shop.a"]
		_, unfit := of().Unfit["shop.a"]
		if held != step.held || unfit != step.unfit {
			t.Errorf("step %d: %s", i, fmt.Sprintf("%+v", of()))
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	s.reload(nil, false)
	put("bad")
	s.reload(nil, false)
	if c := of(); len(c.In) != 0 || len(c.Unfit) != 1 {
		t.Errorf("gone, and back as another: %+v", c)
	}
}
