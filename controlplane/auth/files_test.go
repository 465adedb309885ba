package auth

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coastwise/coastwise/controlplane/auth/authtest"
)

// folder has the files of a server that trusts its own CA.
func folder(t *testing.T, uris ...string) (dir string, f Files) {
	t.Helper()
	dir = t.TempDir()
	authtest.NewCA(t).Write(dir, uris...)
	return dir, filesIn(dir)
}

func filesIn(dir string) Files {
	return Files{
		Cert: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key"), CA: filepath.Join(dir, "ca.crt"),
		CertFlag: "--tls-cert", KeyFlag: "--tls-key", CAFlag: "--client-ca",
	}
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func read0(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestFilesTellEveryMistake(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(dir string, f *Files)
		want  []string
	}{
		"right":         {func(string, *Files) {}, nil},
		"no key":        {func(_ string, f *Files) { f.Key = "" }, []string{"--tls-key: missing"}},
		"no cert":       {func(_ string, f *Files) { f.Cert = "" }, []string{"--tls-cert: missing"}},
		"nowhere":       {func(dir string, f *Files) { *f = filesIn(filepath.Join(dir, "x")) }, []string{"--tls-cert: stat", "--tls-key: stat", "--client-ca: stat"}},
		"a folder":      {func(dir string, f *Files) { f.CA = dir }, []string{"--client-ca: ", "want a regular file"}},
		"a huge file":   {func(_ string, f *Files) { os.Truncate(f.CA, 2<<20) }, []string{"--client-ca: ", "at most"}},
		"no CA in it":   {func(_ string, f *Files) { f.CA = f.Key }, []string{"--client-ca: ", "no certificate in it"}},
		"another's key": {func(dir string, f *Files) { write(t, f.Key, otherKey(t)) }, []string{"--tls-key: ", "private key does not match"}},
		"key as cert":   {func(_ string, f *Files) { f.Cert = f.Key }, []string{"--tls-cert: ", "no certificate in it"}},
		"half a CA":     {func(_ string, f *Files) { write(t, f.CA, append(read0(t, f.CA), read0(t, f.CA)[:200]...)) }, []string{"--client-ca: ", "no PEM"}},
		"half the CA":   {func(_ string, f *Files) { write(t, f.CA, read0(t, f.CA)[:200]) }, []string{"--client-ca: ", "no certificate"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir, f := folder(t)
			c.spoil(dir, &f)
			err := f.Check()
			if (err == nil) != (c.want == nil) {
				t.Fatalf("got %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q lacks %q", err, want)
				}
			}
			if _, err := NewKeys(f, slog.Default()); (err == nil) != (c.want == nil) {
				t.Errorf("NewKeys: %v", err)
			}
		})
	}
}

func otherKey(t *testing.T) []byte {
	_, key := authtest.NewCA(t).Issue(time.Now().Add(time.Hour))
	return key
}

// inUse is the certificate in use, by its bytes.
func inUse(k *Keys) string { return string(leaf(k.pair.get())) }

func leaf(c *tls.Certificate) []byte { return c.Certificate[0] }

func TestKeysFollowTheirFiles(t *testing.T) {
	for name, replace := range map[string]func(t *testing.T, dir string, ca *authtest.CA){
		"in place": func(_ *testing.T, dir string, ca *authtest.CA) { ca.Write(dir) },
		"by rename": func(t *testing.T, dir string, ca *authtest.CA) {
			next := t.TempDir()
			ca.Write(next)
			for _, file := range []string{"tls.crt", "tls.key"} {
				if err := os.Rename(filepath.Join(next, file), filepath.Join(dir, file)); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, ca := t.TempDir(), authtest.NewCA(t)
			ca.Write(dir)
			k := must(NewKeys(filesIn(dir), slog.Default()))(t)
			before := inUse(k)
			if inUse(k) != before {
				t.Fatal("it changed by itself")
			}
			replace(t, dir, ca)
			if inUse(k) == before {
				t.Error("the former certificate is still in use")
			}
		})
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// A mounted Secret is a symlink to "..data", which is a symlink to a folder: the
// kubelet replaces the latter, all files at once.
func TestKeysFollowAMountedSecret(t *testing.T) {
	dir, ca := t.TempDir(), authtest.NewCA(t)
	point := func(to string) {
		if err := os.Mkdir(filepath.Join(dir, to), 0o700); err != nil {
			t.Fatal(err)
		}
		ca.Write(filepath.Join(dir, to))
		if err := os.Symlink(to, filepath.Join(dir, "..tmp")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	point("..1")
	for _, file := range []string{"tls.crt", "tls.key", "ca.crt"} {
		if err := os.Symlink("..data/"+file, filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
	}
	k := must(NewKeys(filesIn(dir), slog.Default()))(t)
	before := inUse(k)
	point("..2")
	if inUse(k) == before {
		t.Error("the former certificate is still in use")
	}
	os.RemoveAll(filepath.Join(dir, "..1"))
}

// What is new and cannot be used is told once, counted, and changes nothing.
func TestBrokenFilesKeepTheFormer(t *testing.T) {
	_, f := folder(t)
	var log bytes.Buffer
	k := must(NewKeys(f, slog.New(slog.NewTextHandler(&log, nil))))(t)
	before, chain, key := inUse(k), read0(t, f.Cert), read0(t, f.Key)
	for _, c := range []struct {
		what string
		path string
		text []byte
	}{
		{"half a certificate", f.Cert, chain[:len(chain)/2]},
		{"an empty key", f.Key, nil},
		{"another's key", f.Key, otherKey(t)},
	} {
		write(t, c.path, c.text)
		log.Reset()
		for range 3 {
			if inUse(k) != before {
				t.Errorf("%s: the former certificate is not in use", c.what)
			}
		}
		if n := strings.Count(log.String(), "the former stay in use"); n != 1 {
			t.Errorf("%s: told %d times: %s", c.what, n, log.String())
		}
		if s := k.states()[0]; !s.broken || s.role != "certificate" {
			t.Errorf("%s: %+v", c.what, s)
		}
		write(t, f.Cert, chain)
		write(t, f.Key, key)
		if s := k.states()[0]; s.broken {
			t.Errorf("after %s: %+v", c.what, s)
		}
	}
}

// A file that is written over within the same tick of its clock looks as before: one
// that was young when it was read is read once more.
func TestAFileThatIsWrittenTwiceWithinATick(t *testing.T) {
	_, f := folder(t)
	k := must(NewKeys(f, slog.Default()))(t)
	at := time.Now()
	ca := authtest.NewCA(t)
	put := func(size int) int {
		for {
			chain, key := ca.Issue(at.Add(time.Hour))
			if size != 0 && len(chain)+len(key) != size {
				continue
			}
			write(t, f.Cert, chain)
			write(t, f.Key, key)
			for _, path := range []string{f.Cert, f.Key} {
				if err := os.Chtimes(path, at, at); err != nil {
					t.Fatal(err)
				}
			}
			return len(chain) + len(key)
		}
	}
	size := put(0)
	first := inUse(k)
	put(size)
	if inUse(k) == first {
		t.Error("the second is not seen")
	}
}
