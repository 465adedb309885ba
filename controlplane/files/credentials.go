package files

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/coastwise/coastwise/translate/admit"
	"github.com/coastwise/coastwise/translate/ingest"
)

// Option is what a Source may be told beside its paths.
type Option func(*Source)

// TLSDirs are the folders with the secrets that rules may name: NAME.yaml and
// NAME-ca.yaml for the credentialName NAME, of the first folder that has them. Envoys read these files, the
// Source looks whether they are there, and whether those of Gateways hold a certificate. Give what CheckTLSDirs returned.
func TLSDirs(dirs []string) Option {
	return func(s *Source) { s.credentials = slices.Clone(dirs) }
}

// CheckTLSDirs makes folders absolute; the error names every one that is none.
func CheckTLSDirs(dirs []string) ([]string, error) {
	var out []string
	var errs []error
	for _, dir := range dirs {
		full, err := filepath.Abs(dir)
		if err == nil {
			err = isFolder(full)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("--tls-dir: %q: %w", dir, err))
		}
		out = append(out, full)
	}
	return out, errors.Join(errs...)
}

func isFolder(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return bare(err)
	case !info.IsDir():
		return errors.New("is no folder")
	case !utf8.ValidString(path):
		return errors.New("is not UTF-8")
	}
	return nil
}

// Admission is what admission is told where these are the folders of secrets, as
// CheckTLSDirs returned them. It looks into them whenever it is asked.
func Admission(dirs []string) admit.Options {
	if len(dirs) == 0 {
		return admit.Options{}
	}
	return admit.Options{Credential: func(secrets []string) (string, error) { return credential(dirs, secrets) }}
}

// options is what admission is told.
func (s *Source) options() admit.Options { return Admission(s.credentials) }

// credential is the first folder that has the files of all these secrets.
func credential(dirs, secrets []string) (string, error) {
	for _, dir := range dirs {
		lacks := func(name string) bool {
			info, err := os.Stat(filepath.Join(dir, name+".yaml"))
			return err != nil || !info.Mode().IsRegular()
		}
		if !slices.ContainsFunc(secrets, lacks) {
			return dir, nil
		}
	}
	return "", fmt.Errorf("there is no %s.yaml in %s", strings.Join(secrets, ".yaml and "), strings.Join(dirs, ", "))
}

// held are the files with certificates of Gateways, of one name the first folder's.
func (s *Source) held() ingest.Credentials {
	out := ingest.Credentials{Folders: s.credentials, In: map[string]string{}, Wrong: map[string]string{}}
	seen := map[string]bool{}
	for _, path := range s.found {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		if seen[name] || !forGateways(name) {
			continue
		}
		seen[name] = true
		if dir, err := credential(s.credentials, []string{name}); err == nil {
			s.judge(name, dir, &out)
		}
	}
	return out
}

// renewed says that other files are in the folders of secrets than at the last
// look: what was refused for the want of one may be admitted now, so all
// manifests are to be parsed again. The store is told, of Gateways' certificates.
func (s *Source) renewed() bool {
	var now []string
	for _, dir := range s.credentials {
		entries, _ := os.ReadDir(dir) // a folder that cannot be read has none
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".yaml") {
				now = append(now, filepath.Join(dir, e.Name()))
			}
		}
	}
	same := slices.Equal(now, s.found)
	s.found = now
	s.store.SetCredentials(s.held())
	if same {
		return false
	}
	s.generation++
	return true
}
