package files

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// A rule waits for the files of its credential, wherever they come, and one that
// was admitted stays when they go.
func TestRulesWaitForCredentials(t *testing.T) {
	dir, first, second := t.TempDir(), t.TempDir(), t.TempDir()
	rule := `{apiVersion: networking.coastwise.dev/v1alpha1, kind: DestinationRule, metadata: {name: a, namespace: default}, spec: {host: a, trafficPolicy: {tls: {mode: SIMPLE, credentialName: web}}}}`
	if err := os.WriteFile(filepath.Join(dir, "rule.yaml"), []byte(rule), 0o600); err != nil {
		t.Fatal(err)
	}
	dirs, err := CheckTLSDirs([]string{first, second})
	if err != nil {
		t.Fatal(err)
	}
	s := New([]string{dir}, store.New(), slog.New(slog.DiscardHandler), TLSDirs(dirs))
	if err := s.Load(); err != nil {
		t.Fatal(err)
	}
	state := func(step string, objects, held, absent int) {
		t.Helper()
		s.reload(nil, false)
		if st := s.Stats(); st.Objects != objects || len(st.Held) != held || len(st.Unadmitted) != absent {
			t.Errorf("%s: %+v", step, st)
		}
	}
	state("no file", 0, 0, 1)
	file := filepath.Join(second, "web-ca.yaml")
	if err := os.Mkdir(filepath.Join(first, "web-ca.yaml"), 0o700); err != nil { // a folder is no file
		t.Fatal(err)
	}
	state("a folder", 0, 0, 1)
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	state("the file", 1, 0, 0)
	if got, err := credential(s.credentials, []string{"web-ca"}); got != second || err != nil {
		t.Errorf("found in %q: %v", got, err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	state("gone", 1, 1, 0)
}

func TestCheckTLSDirs(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "f")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	if dirs, err := CheckTLSDirs([]string{"."}); err != nil || dirs[0] != dir {
		t.Errorf("%q: %v", dirs, err)
	}
	for _, bad := range []string{file, filepath.Join(dir, "nowhere")} {
		if _, err := CheckTLSDirs([]string{bad}); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

// The store knows which files of certificates there are, of one name the first folder's,
// also where there is no manifest; and when one comes.
func TestCertificatesOfGateways(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	put := func(dir, name string) {
		text := fmt.Sprintf("resources: [{name: %s, tls_certificate: {certificate_chain: {filename: /certs/a.pem}}}]", name)
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(first, "shop.a")
	put(second, "shop.a")
	put(second, "shop.b")
	if err := os.Mkdir(filepath.Join(first, "shop.c.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	st := store.New()
	s := New(nil, st, slog.New(slog.DiscardHandler), TLSDirs([]string{first, second}))
	if err := s.Load(); err != nil {
		t.Fatal(err)
	}
	of := func() ingest.Credentials {
		return st.GatewayObjects(model.GatewayName{Namespace: "shop", Name: "g"}).Credentials
	}
	want := ingest.Credentials{Folders: []string{first, second}, In: map[string]string{"shop.a": first, "shop.b": second}, Unfit: map[string]string{}}
	if diff := cmp.Diff(want, of()); diff != "" {
		t.Error(diff)
	}
	put(first, "shop.b")
	s.reload(nil, false)
	want.In["shop.b"] = first
	if diff := cmp.Diff(want, of()); diff != "" {
		t.Error(diff)
	}
}
