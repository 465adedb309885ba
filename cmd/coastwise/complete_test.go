package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// completions are what the shells are told, and the directive for them.
func completions(t *testing.T, args ...string) (offers []string, directive string) {
	t.Helper()
	code, stdout, stderr := call(t.Context(), append([]string{cobra.ShellCompNoDescRequestCmd}, args...)...)
	if code != exitDone {
		t.Fatal(stderr)
	}
	got := strings.Split(strings.TrimSpace(stdout), "\n")
	return got[:len(got)-1], got[len(got)-1]
}

func TestCompletion(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	writeFile(t, dir, "cart.yaml", cart("10.0.0.1"))
	writeFile(t, other, "more.yaml", []byte(`apiVersion: v1
kind: Service
metadata: {name: catalogue, namespace: shop}
spec: {ports: [{name: http, port: 80}, {name: admin, port: 9000}]}
---
apiVersion: v1
kind: Service
metadata: {name: castle, namespace: shop, annotations: {networking.coastwise.dev/export-to: .}}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Node
metadata: {name: node-1}
---
apiVersion: v1
kind: Node
metadata: {name: other}
---
apiVersion: networking.coastwise.dev/v1alpha1
kind: ServiceEntry
metadata: {name: api, namespace: shop}
spec: {hosts: [api.example.com], ports: [{number: 443, name: tls}], resolution: DNS}
---
apiVersion: networking.coastwise.dev/v1alpha1
kind: ServiceEntry
metadata: {name: api}
spec: {hosts: [api.example.com], ports: [{number: 80, name: http}], resolution: DNS}
`))
	const (
		cartHost      = "cart.default.svc.cluster.local"
		catalogueHost = "catalogue.shop.svc.cluster.local"
	)
	for _, tt := range []struct {
		args string
		want []string
	}{
		{"translate -f DIR --service ca", []string{"cart", cartHost}},
		{"translate -f DIR -f OTHER --service ca", []string{"cart", cartHost, catalogueHost}},
		{"translate -f DIR -f OTHER --namespace shop --service ca", []string{
			cartHost, "castle", "castle.shop.svc.cluster.local", "catalogue", catalogueHost,
		}},
		{"translate -f DIR -f OTHER --kind nonsense --service cas", []string{"castle.shop.svc.cluster.local"}},
		{"translate -f OTHER --namespace shop --service catalogue:", []string{"catalogue:80", "catalogue:9000"}},
		{"translate -f OTHER --service api", []string{"api.example.com"}},
		{"translate -f OTHER --service api.example.com:", []string{"api.example.com:80"}},
		{"translate -f OTHER --namespace shop --service api.example.com:", []string{"api.example.com:443"}},
		{"translate -f OTHER --namespace shop --service catalogue:9", []string{"catalogue:9000"}},
		{"translate -f OTHER --service z", nil},
		{"translate --service c", nil},
		{"translate -f NOTHING --service c", nil},
		{"translate -f OTHER --node n", []string{"node-1"}},
		{"translate -f DIR --subset v", nil},
		{"translate --kind ", []string{"sidecar", "gateway", "waypoint", "grpc"}},
		{"bootstrap --kind g", []string{"gateway", "grpc"}},
		{"translate -o ", []string{"table", "json", "envoy"}},
		{"lint -o ", []string{"table", "json", "sarif"}},
		{"lint --min-severity w", []string{"warning"}},
		{"lint ", nil},
		{"proxies -o ", []string{"table", "wide", "json"}},
		{"serve --log-level ", []string{"debug", "info", "warn", "error"}},
		{"serve --log-format ", []string{"text", "json"}},
		{"prox", []string{"proxies"}},
		{"proxies ", nil},
		{"wait dr/reviews --for ", []string{"accepted", "resolvedrefs", "programmed"}},
		{"wait dr/", nil},
		{"wait dr/reviews ", nil},
		{"help pro", []string{"proxies"}},
		{"completion ba", []string{"bash"}},
	} {
		args := strings.Split(strings.NewReplacer("DIR", dir, "OTHER", other, "NOTHING", dir+"/no").Replace(tt.args), " ")
		offers, directive := completions(t, args...)
		if !slices.Equal(offers, tt.want) {
			t.Errorf("%s: %q, want %q", tt.args, offers, tt.want)
		}
		if directive != ":4" { // no files
			t.Errorf("%s: directive %s", tt.args, directive)
		}
	}
	if offers, directive := completions(t, "translate", "-f", ""); len(offers) > 0 || directive != ":0" {
		t.Errorf("--from does not complete files: %q %s", offers, directive)
	}
}

// naming are the flags that name files.
var naming = []string{"from", "tls-dir", "tls-cert", "tls-key", "client-ca", "ca", "cert", "key", "token-file", "sds-dir", "kubeconfig", "peer-token-file"}

// TestEveryFlagCompletes: a flag offers files only if it names some.
func TestEveryFlagCompletes(t *testing.T) {
	for _, cmd := range newRoot(process{}).Commands() {
		if cmd.Name() == "completion" {
			continue
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			_, said := cmd.GetFlagCompletionFunc(f.Name)
			if named := slices.Contains(naming, f.Name) || f.Value.Type() == "bool"; said == named {
				t.Errorf("%s --%s: completion is %v", cmd.CommandPath(), f.Name, said)
			}
		})
	}
}

// TestCompletionScripts: each shell's script is there, and bash reads its own.
func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		code, stdout, stderr := call(t.Context(), "completion", shell)
		if code != exitDone || !strings.Contains(stdout, "coastwise") {
			t.Errorf("%s: exit %d, %s", shell, code, stderr)
		}
		path, err := exec.LookPath(shell)
		if err != nil || shell == "powershell" {
			continue // it cannot be asked here
		}
		check := exec.Command(path, "-n")
		check.Stdin = strings.NewReader(stdout)
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%s does not read its script: %v %s", shell, err, out)
		}
	}
}
