package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// valid is a resource with Envoy's own constraints.
type valid interface {
	proto.Message
	ValidateAll() error
}

// printed are the lists of -o envoy.
var printed = map[string]struct {
	typeURL string
	empty   func() valid
	name    func(valid) string
}{
	"clusters":  {envoy.ClusterType, func() valid { return new(clusterv3.Cluster) }, func(m valid) string { return m.(*clusterv3.Cluster).GetName() }},
	"endpoints": {envoy.EndpointType, func() valid { return new(endpointv3.ClusterLoadAssignment) }, func(m valid) string { return m.(*endpointv3.ClusterLoadAssignment).GetClusterName() }},
	"listeners": {envoy.ListenerType, func() valid { return new(listenerv3.Listener) }, func(m valid) string { return m.(*listenerv3.Listener).GetName() }},
	"routes":    {envoy.RouteType, func() valid { return new(routev3.RouteConfiguration) }, func(m valid) string { return m.(*routev3.RouteConfiguration).GetName() }},
}

// TestStoriesResources: every resource that a command of a story comes to, for all
// services, ports and subsets that its client sees, passes Envoy's own constraints
// and the semantic validator. (A real Envoy and a real gRPC client: e2e,
// TestEveryStory.)
func TestStoriesResources(t *testing.T) {
	paths, err := filepath.Glob("../../translate/testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	count := map[string]int{}
	for _, path := range paths {
		s := readStory(t, path)
		dir := t.TempDir()
		for _, f := range s.inputs {
			writeFile(t, dir, f.Name, f.Data)
		}
		env := map[string]string{}
		for _, step := range s.steps {
			if step.env != "" {
				name, value, _ := strings.Cut(step.env, "=")
				env[name] = value
			} else if step.args[0] == "translate" && !slices.Contains(step.args, string(model.Ztunnel)) {
				s.resources(t, path, step, dir, env, count)
			}
		}
	}
	t.Log(count)
	for key := range printed {
		if count[key] < 300 {
			t.Errorf("%d %s are too few: are the stories read?", count[key], key)
		}
	}
}

// resources checks what one command prints without the flags that narrow it.
func (s *story) resources(t *testing.T, path string, step step, dir string, env map[string]string, count map[string]int) {
	t.Helper()
	args := slices.Clone(step.argsIn(dir))
	for _, flag := range []string{"--service", "--subset", "-o"} {
		if i := slices.Index(args, flag); i >= 0 {
			args = slices.Delete(args, i, i+2)
		}
	}
	var stdout, stderr bytes.Buffer
	p := process{
		env:  func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		load: load, stdout: &stdout, stderr: &stderr,
	}
	if code := p.run(context.Background(), append(args, "-o", "envoy")); code != 0 {
		if step.exit == 0 {
			t.Errorf("%s: %s: exit %d: %s", path, step.line, code, stderr.String())
		}
		return
	}
	var lists map[string][]json.RawMessage
	if err := json.Unmarshal(stdout.Bytes(), &lists); err != nil {
		t.Fatal(err)
	}
	form := model.Plain
	switch {
	case slices.Contains(args, string(model.GRPC)):
		form = model.GRPCForm
	case strings.Contains(stdout.String(), `"`+envoy.ConnectTerminate+`"`):
		form = model.HBONE
	}
	for key, list := range lists {
		for _, raw := range list {
			count[key]++
			if err := validate(key, raw, form); err != nil {
				t.Errorf("%s: %s: %v", path, step.line, err)
			}
		}
	}
}

// validate judges one resource of a list, of a client of a form.
func validate(key string, raw []byte, form model.Form) error {
	of, ok := printed[key]
	if !ok {
		return errors.New("unknown list " + key)
	}
	m := of.empty()
	if err := protojson.Unmarshal(raw, m); err != nil {
		return err
	}
	if err := m.ValidateAll(); err != nil {
		return err
	}
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return err
	}
	r := envoy.Resource{TypeURL: of.typeURL, Name: of.name(m), Version: envoy.Version(body), Body: body}
	return envoy.ValidateFor(form, r)
}
