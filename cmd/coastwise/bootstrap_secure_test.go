package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// With TLS bootstrap writes the files by which Envoy reads again what it names, and
// nothing where a flag is wrong.
func TestBootstrapWritesSecrets(t *testing.T) {
	dir := t.TempDir()
	args := []string{"bootstrap", "--id", "a", "--xds", "coastwise.example:15010", "--ca", "/nowhere/ca.crt", "--sds-dir", dir}
	code, _, stderr := call(t.Context(), append(args, "--token-file", "")...)
	if files, _ := os.ReadDir(dir); code != exitUsage || !strings.Contains(stderr, "--token-file: empty") || len(files) > 0 {
		t.Errorf("exit %d, %s, %v", code, stderr, files)
	}
	code, stdout, stderr := call(t.Context(), append(args, "--token-file", "/nowhere/token")...)
	if code != exitDone || !strings.Contains(stdout, filepath.Join(dir, "coastwise-token.yaml")) {
		t.Fatalf("exit %d, %s\n%s", code, stderr, stdout)
	}
	for name, want := range map[string]string{"coastwise-ca.yaml": "/nowhere/ca.crt", "coastwise-token.yaml": "/nowhere/token"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %s %v", name, text, err)
		}
	}
	if files, _ := os.ReadDir(dir); len(files) != 2 {
		t.Errorf("%v", files)
	}
	code, _, stderr = call(t.Context(), append(args, "--token-file", "x", "--sds-dir", filepath.Join(dir, "none"))...)
	if code == exitDone || !strings.Contains(stderr, "--sds-dir: ") {
		t.Errorf("exit %d, %s", code, stderr)
	}
}

// serve tells every mistake about clients at once.
func TestServeAboutClients(t *testing.T) {
	code, _, stderr := call(t.Context(), "serve", "--from", "x", "--xds", "0.0.0.0:0", "--tls-cert", "/nowhere/a", "--insecure", "--trust-domain", "A B")
	for _, want := range []string{"--tls-key: missing", "--insecure: contradicts", "--trust-domain: ", "--tls-cert: nobody could be verified"} {
		if code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("exit %d, %q lacks %q", code, stderr, want)
		}
	}
}
