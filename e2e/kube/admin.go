package kube

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/coastwise/coastwise/e2e/cluster"
)

// Problem is one entry of /problems.
type Problem struct {
	// Object is "KIND NAMESPACE/NAME", "KIND NAME" of a kind without namespaces.
	Object    string `json:"object"`
	Field     string `json:"field"`
	Severity  string `json:"severity"`
	Reason    string `json:"reason"`
	Message   string `json:"message"`
	Safeguard string `json:"safeguard"`
}

// Admin is a page of coastwise's admin port.
func (s *Scene) Admin(path string) (string, error) {
	resp, err := http.Get("http://" + s.Server.Admin + path)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s: %.300s", path, resp.Status, body)
	}
	return string(body), nil
}

// Problems are those on objects of one namespace, and on objects of none.
func (s *Scene) Problems(namespace string) ([]Problem, error) {
	page, err := s.Admin("/problems")
	if err != nil {
		return nil, err
	}
	var all, out []Problem
	if err := json.Unmarshal([]byte(page), &all); err != nil {
		return nil, fmt.Errorf("reading /problems: %w: %.300s", err, page)
	}
	for _, p := range all {
		_, name, _ := strings.Cut(p.Object, " ")
		if ns, _, namespaced := strings.Cut(name, "/"); ns == namespace || !namespaced {
			out = append(out, p)
		}
	}
	return out, nil
}

// Told waits for a Problem that ok accepts; what says which.
func (s *Scene) Told(namespace, what string, ok func(Problem) bool) {
	s.Helper()
	cluster.Eventually(s, Patience, func() error {
		problems, err := s.Problems(namespace)
		if err != nil {
			return err
		}
		for _, p := range problems {
			if ok(p) {
				return nil
			}
		}
		return fmt.Errorf("no Problem %s, but %+v", what, problems)
	})
}

// Says waits until a page of the admin port holds a text.
func (s *Scene) Says(path, text string) {
	s.Helper()
	cluster.Eventually(s, Patience, func() error {
		page, err := s.Admin(path)
		if err == nil && !strings.Contains(page, text) {
			err = fmt.Errorf("%s does not say %q:\n%s", path, text, mentioning(page, text))
		}
		return err
	})
}

// mentioning is the page, or of a long one the lines that begin alike.
func mentioning(page, text string) string {
	if len(page) < 4000 {
		return page
	}
	name, _, _ := strings.Cut(text, "{")
	var out []string
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, name) {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}
