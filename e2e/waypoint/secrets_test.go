package waypoint

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/authority"
	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/envoyproc"
	"github.com/coastwise/coastwise/e2e/ztunnel"
)

// proxiesOf is what `coastwise proxies -o wide` prints.
func (m *mesh) proxiesOf() string {
	out, err := exec.Command(string(built.coastwise), "proxies", "-o", "wide", "--server", m.server.Admin).CombinedOutput()
	return fmt.Sprintf("%s%v", out, err)
}

// TestCertificateThatComesLater: a waypoint whose files are not there refuses its secrets,
// which is told; once they are there it takes them, and serves, without a restart.
func TestCertificateThatComesLater(t *testing.T) {
	m := faultMesh(t, hbone)
	later := filepath.Join(t.TempDir(), "later")
	own := ztunnel.Issue(t, m.ca, authority.Member("default", "waypoint"))
	w := &waypoint{mesh: m, own: own, flags: coastwise.Client{
		ID: "waypoint-late", Kind: "waypoint", Gateway: "default/waypoint", Locality: places[0].String(), Bind: m.block.Address(1, 0), AdminPort: 15000,
		Secure: append(secure(string(own), "--ca", "--cert", "--key"), "--server-name", serverName, "--sds-dir", t.TempDir()),
	}}
	bootstrap, err := built.coastwise.Bootstrap(t.Context(), w.flags, m.server.XDS)
	if err != nil {
		t.Fatal(err)
	}
	moved := bytes.ReplaceAll(bootstrap, []byte(own), []byte(later))
	if bytes.Equal(moved, bootstrap) {
		t.Fatal("the bootstrap names no file of the certificate")
	}
	w.Envoy, err = envoyproc.Start(envoyproc.Config{Binary: built.envoy, Name: w.flags.ID, Dir: m.logs, Bootstrap: moved, Admin: w.flags.Admin()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Stop(3 * time.Second) })
	told := []string{"ProxyRejected", "node.metadata.coastwise.certificate", "Invalid path: " + later}
	await.Until(t, patience, func() string {
		table := m.proxiesOf()
		for _, text := range told {
			if !strings.Contains(table, text) {
				return table
			}
		}
		return ""
	})
	db := w.tunnel(m.ca, authority.Member("default", "client"), "")
	if _, err := greeted(db, dbVIP); err == nil {
		t.Error("a waypoint without a certificate takes a connection")
	}
	if err := exec.Command("cp", "-r", string(own), later).Run(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	await.Until(t, 20*time.Second, func() string {
		if _, err := greeted(db, dbVIP); err != nil {
			return err.Error()
		}
		return ""
	})
	t.Logf("serves %v after the files came", time.Since(began))
	await.Until(t, patience, func() string {
		if table := m.proxiesOf(); strings.Contains(table, "ProxyRejected") || !strings.Contains(table, "synced") {
			return table
		}
		return ""
	})
}
