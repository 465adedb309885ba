package main

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"sigs.k8s.io/yaml"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
)

// call runs one command line without any environment.
func call(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, messages bytes.Buffer
	p := process{
		env:    func(string) (string, bool) { return "", false },
		load:   load,
		stdout: &out, stderr: &messages,
	}
	code = p.run(ctx, args)
	return code, out.String(), messages.String()
}

func TestExitCodes(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "mesh.yaml", []byte("apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{name: http, port: 80}]}\n"))
	serve := []string{"serve", "-f", dir, "--xds", "127.0.0.1:0", "--admin", "127.0.0.1:0"}
	for name, tt := range map[string]struct {
		args   []string
		code   int
		stderr []string
	}{
		"nothing is a question for help":  {args: nil},
		"version":                         {args: []string{"version"}},
		"unknown command":                 {args: []string{"tranlate"}, code: exitUsage, stderr: []string{`unknown command "tranlate"`, "did you mean translate?", "See 'coastwise --help'"}},
		"unknown flag":                    {args: []string{"version", "--loud"}, code: exitUsage, stderr: []string{"--loud", "See 'coastwise version --help'"}},
		"an argument too many":            {args: []string{"version", "now"}, code: exitUsage, stderr: []string{`"now"`}},
		"serve what":                      {args: []string{"serve"}, code: exitUsage, stderr: []string{"--from"}},
		"serve to the world":              {args: []string{"serve", "-f", dir, "--xds", "0.0.0.0:15010"}, code: exitUsage, stderr: []string{"--xds", "0.0.0.0:15010"}},
		"serve, all wrong":                {args: []string{"serve", "--xds", "x", "--admin", "y", "--log-format", "xml", "--log-level", "loud"}, code: exitUsage, stderr: []string{"--from", "--xds", "--admin", "--log-format", "--log-level"}},
		"serve what is not there":         {args: []string{"serve", "-f", filepath.Join(dir, "no"), "--xds", "127.0.0.1:0", "--admin", "127.0.0.1:0"}, code: exitFailed, stderr: []string{"no"}},
		"serve until interrupted":         {args: serve},
		"serve, logging JSON":             {args: append(serve, "--log-format", "json"), stderr: []string{`"msg":"serving"`}},
		"translate what":                  {args: []string{"translate"}, code: exitUsage, stderr: []string{"--from"}},
		"translate how":                   {args: []string{"translate", "-f", dir, "-o", "xml"}, code: exitUsage, stderr: []string{"--output", "table, json or envoy"}},
		"translate a wildcard":            {args: []string{"translate", "-f", dir, "--service", "*.default"}, code: exitUsage, stderr: []string{"--service"}},
		"translate":                       {args: []string{"translate", "-f", dir}},
		"lint what":                       {args: []string{"lint"}, code: exitUsage, stderr: []string{"--from", "See 'coastwise lint --help'"}},
		"lint, all wrong":                 {args: []string{"lint", "-o", "xml", "--min-severity", "bad", "--tls-dir", filepath.Join(dir, "no")}, code: exitUsage, stderr: []string{"--from", "--output", "table, json or sarif", "--min-severity", "--tls-dir"}},
		"lint an argument":                {args: []string{"lint", dir}, code: exitUsage, stderr: []string{"unexpected argument"}},
		"lint what is not there":          {args: []string{"lint", "-f", filepath.Join(dir, "no")}, code: exitFailed, stderr: []string{"no"}},
		"lint":                            {args: []string{"lint", "-f", dir}},
		"bootstrap whom and where":        {args: []string{"bootstrap"}, code: exitUsage, stderr: []string{"--id: missing", "--xds: missing"}},
		"bootstrap with one port twice":   {args: []string{"bootstrap", "--id", "a", "--xds", "127.0.0.1:1", "--admin-port", "15080"}, code: exitUsage, stderr: []string{"--admin-port"}},
		"bootstrap at no address":         {args: []string{"bootstrap", "--id", "a", "--xds", "127.0.0.1"}, code: exitUsage, stderr: []string{"--xds"}},
		"bootstrap":                       {args: []string{"bootstrap", "--id", "a", "--xds", "127.0.0.1:1"}},
		"labels that are none":            {args: []string{"bootstrap", "--id", "a", "--xds", "127.0.0.1:1", "--labels", "a=b,a=c"}, code: exitUsage, stderr: []string{`--labels: "a" stands twice`}},
		"a place that cannot be a label":  {args: []string{"translate", "-f", dir, "--locality", "~"}, code: exitUsage, stderr: []string{"--locality"}},
		"a port that is none":             {args: []string{"translate", "-f", dir, "--http-proxy-port", "-1"}, code: exitUsage, stderr: []string{"--http-proxy-port"}},
		"a service's port that is none":   {args: []string{"translate", "-f", dir, "--service", "a:0"}, code: exitUsage, stderr: []string{"--service"}},
		"a namespace that can be none":    {args: []string{"translate", "-f", dir, "--namespace", "A/b"}, code: exitUsage, stderr: []string{"--namespace"}},
		"help about what is not there":    {args: []string{"help", "tranlate"}, code: exitUsage, stderr: []string{`unknown command "tranlate"; did you mean translate?`}},
		"help about too much":             {args: []string{"help", "translate", "x"}, code: exitUsage, stderr: []string{`"x"`}},
		"help":                            {args: []string{"help", "translate"}},
		"completion of an unknown shell":  {args: []string{"completion", "bahs"}, code: exitUsage, stderr: []string{"did you mean bash?"}},
		"a port that is a word":           {args: []string{"translate", "--http-proxy-port", "abc"}, code: exitUsage, stderr: []string{`--http-proxy-port: "abc": want a port: 0 to 65535`}},
		"a duration that is a word":       {args: []string{"serve", "--publish-interval", "x"}, code: exitUsage, stderr: []string{`--publish-interval: "x": want a duration`}},
		"a switch that is a word":         {args: []string{"translate", "--capture=x"}, code: exitUsage, stderr: []string{`--capture: "x": want true or false`}},
		"proxies, all wrong":              {args: []string{"proxies", "--server", "x", "-o", "xml"}, code: exitUsage, stderr: []string{"--server", "--output"}},
		"proxies of no port":              {args: []string{"proxies", "--server", "127.0.0.1:x"}, code: exitUsage, stderr: []string{"--server"}},
		"a node and a network, both none": {args: []string{"translate", "-f", dir, "--node", "a b", "--network", "/"}, code: exitUsage, stderr: []string{"--node", "--network"}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // serve ends as soon as it has begun
			code, stdout, stderr := call(ctx, tt.args...)
			if code != tt.code {
				t.Errorf("exit %d, want %d\n%s", code, tt.code, stderr)
			}
			if strings.Contains(stderr, "strconv") {
				t.Errorf("stderr speaks Go:\n%s", stderr)
			}
			for _, want := range tt.stderr {
				if !strings.Contains(stderr, want) {
					t.Errorf("stderr has no %q:\n%s", want, stderr)
				}
			}
			if code != exitDone && stdout != "" {
				t.Errorf("a failure has an answer:\n%s", stdout)
			}
		})
	}
}

// TestHelpTeaches wants of every command a long text and an example that is a
// call of that very command.
func TestHelpTeaches(t *testing.T) {
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		if cmd.Short == "" || cmd.Long == "" || !strings.Contains(cmd.Example, cmd.CommandPath()) {
			t.Errorf("%s: its help does not teach", cmd.CommandPath())
		}
		if cmd.Args == nil {
			t.Errorf("%s: takes any argument", cmd.CommandPath())
		}
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	visit(newRoot(process{}))
}

// TestBootstrapClaims is semantics 1.1: what bootstrap writes is read back as
// what translate takes the same flags for.
func TestBootstrapClaims(t *testing.T) {
	flags := []string{
		"--id", "web-0", "--namespace", "shop", "--kind", "gateway", "--node", "n-1", "--locality", "eu/eu-1/rack-1",
		"--network", "n1", "--labels", "app=web,example.com/tier=", "--scope", "b/*, a/x", "--bind", "127.0.0.7", "--http-proxy-port", "15088",
	}
	code, stdout, stderr := call(t.Context(), append([]string{"bootstrap", "--xds", "127.0.0.1:15010"}, flags...)...)
	if code != exitDone {
		t.Fatal(stderr)
	}
	text, err := yaml.YAMLToJSON([]byte(stdout))
	if err != nil {
		t.Fatal(err)
	}
	var b bootstrapv3.Bootstrap
	if err := protojson.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	got, err := envoy.ProxyFromNode(b.GetNode())
	if err != nil {
		t.Fatal(err)
	}
	var f clientFlags
	cmd := &cobra.Command{}
	f.add(cmd.Flags())
	if err := cmd.ParseFlags(flags); err != nil {
		t.Fatal(err)
	}
	want, err := f.proxy()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the claims of bootstrap are not those of translate (-translate +bootstrap):\n%s", diff)
	}
}

func TestPlace(t *testing.T) {
	groups := []locality.Group{
		{Locality: model.Locality{Region: "eu", Zone: "a"}},
		{Locality: model.Locality{Region: "us", Zone: "a"}},
		{Locality: model.Locality{Region: "eu", Zone: "b", SubZone: "r"}},
		{Locality: model.Locality{Zone: "c"}},
		{Locality: model.Locality{Zone: "a"}},
		{Locality: model.Locality{Region: "eu"}},
		{},
	}
	want := []string{"eu/a", "us/a", "b/r", "c", "-/a", "eu/-", "-"}
	for i, g := range groups {
		if got := place(g.Locality, groups); got != want[i] {
			t.Errorf("place(%+v) = %q, want %q", g.Locality, got, want[i])
		}
	}
}

func TestInstead(t *testing.T) {
	names := []string{"cart", "details", "productpage", "ratings", "reviews", "reviewer"}
	for _, tt := range []struct {
		name  string
		names []string
		want  string
	}{
		{"revews", nil, ": there is none at all"},
		{"revews", names[:2], "; there is cart, details"},
		{"revews", names, "; the nearest of 6 are reviews, reviewer, details, ratings, cart"},
	} {
		if got := instead(tt.name, tt.names); got != tt.want {
			t.Errorf("instead(%q, %v) = %q, want %q", tt.name, tt.names, got, tt.want)
		}
	}
}
