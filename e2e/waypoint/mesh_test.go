package waypoint

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/authority"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/envoyproc"
	"github.com/coastwise/coastwise/e2e/loopback"
	"github.com/coastwise/coastwise/e2e/manifest"
	"github.com/coastwise/coastwise/e2e/ztunnel"
)

// form is what a waypoint's Gateway says of its listener.
type form struct {
	protocol string
	port     int
	hbone    bool
}

var (
	sandwich = form{protocol: "PROXY", port: 15088}
	hbone    = form{protocol: "HBONE", port: 15008, hbone: true}
)

// forms are both, by name.
var forms = map[string]form{"sandwich": sandwich, "HBONE": hbone}

// serverName is what the certificate of the xDS port is for.
const serverName = "coastwise.test"

// perZone is how many pods run in a zone.
const perZone = 3

// mesh is a folder that coastwise serves, pods in three zones, and waypoints.
type mesh struct {
	t      *testing.T
	form   form
	folder manifest.Folder
	logs   string
	block  *loopback.Block
	server *coastwise.Server
	ca     *authority.Authority
	// pods are by zone, as in places.
	pods      [3][]*pod
	waypoints []*waypoint
	clients   int
	// clientCredentials are the folders of the clients' certificates.
	clientCredentials []ztunnel.Credential
}

// waypoint is one Envoy of the Gateway default/waypoint.
type waypoint struct {
	*envoyproc.Envoy
	mesh  *mesh
	flags coastwise.Client
	// own is the folder of its certificate.
	own ztunnel.Credential
}

// newMesh starts coastwise on what files says, beside the files that every mesh has.
// Pods' ztunnels find the HOST:PORT of services, which files may add, on a port of the pod.
func newMesh(t *testing.T, f form, services map[string]int, files func(*mesh) map[string]string) *mesh {
	t.Helper()
	m := &mesh{t: t, form: f, folder: manifest.Folder(t.TempDir()), logs: t.TempDir(), ca: authority.ForTest(t)}
	var err error
	if m.block, err = loopback.Claim(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.block.Release)
	m.write("places.yaml", m.everywhere())
	m.write("gateway.yaml", gateway(f))
	for name, content := range files(m) {
		m.write(name, content)
	}
	t.Cleanup(m.showLogs)
	m.startPods(services)
	m.serve()
	return m
}

// address is the IP of the n-th pod of a zone.
func (m *mesh) address(zone, n int) string { return m.block.Address(2+zone, 1+n) }

// home is where coastwise listens.
func (m *mesh) home(port int) string { return fmt.Sprintf("%s:%d", m.block.Address(1, 200), port) }

func (m *mesh) write(name, content string) {
	m.t.Helper()
	if err := m.folder.Write(name, content); err != nil {
		m.t.Fatal(err)
	}
}

// startPods starts all pods of all zones.
func (m *mesh) startPods(services map[string]int) {
	credential := ztunnel.Credential("")
	if m.form.hbone {
		credential = ztunnel.Issue(m.t, m.ca, authority.Member("default", account))
	}
	for zone, place := range places {
		for n := range perZone {
			p := &pod{name: podName(zone, n), ip: m.address(zone, n), zone: place}
			local := map[string]string{}
			for host, port := range services {
				local[host] = fmt.Sprintf("%s:%d", p.ip, port)
			}
			p.start(m.t, credential, local)
			m.pods[zone] = append(m.pods[zone], p)
		}
	}
}

func (m *mesh) serve() {
	m.t.Helper()
	var err error
	how := coastwise.Serve{From: []string{string(m.folder)}, XDS: m.home(15010), Admin: m.home(15014), Log: filepath.Join(m.logs, "coastwise.log")}
	if m.form.hbone {
		how.Args = m.secureServer()
	}
	m.server, err = built.coastwise.Start(how)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { m.server.Stop(3 * time.Second) })
	if err := m.server.WaitReady(soon()); err != nil {
		m.t.Fatal(err)
	}
}

// secureServer is how coastwise serves waypoints that show a certificate.
func (m *mesh) secureServer() []string {
	dir := m.t.TempDir()
	chain, key := m.ca.Issue(serverName)
	for name, content := range map[string][]byte{authority.ChainFile: chain, authority.KeyFile: key, authority.BundleFile: m.ca.PEM()} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			m.t.Fatal(err)
		}
	}
	return secure(dir, "--client-ca", "--tls-cert", "--tls-key")
}

// secure are three flags for the files of an identity.
func secure(dir, bundle, chain, key string) []string {
	return []string{
		bundle, filepath.Join(dir, authority.BundleFile), chain, filepath.Join(dir, authority.ChainFile), key, filepath.Join(dir, authority.KeyFile),
	}
}

// showLogs prints what the processes logged if the test failed.
func (m *mesh) showLogs() {
	if !m.t.Failed() {
		return
	}
	logs, _ := filepath.Glob(filepath.Join(m.logs, "*.log"))
	for _, path := range logs {
		content, _ := os.ReadFile(path)
		m.t.Logf("%s:\n%s", filepath.Base(path), content[max(0, len(content)-4000):])
	}
}

// waypoint starts an Envoy in a zone and waits until it listens.
func (m *mesh) waypoint(zone int) *waypoint {
	m.t.Helper()
	w := &waypoint{mesh: m, flags: coastwise.Client{
		ID: fmt.Sprintf("waypoint-%d", len(m.waypoints)), Kind: "waypoint", Gateway: "default/waypoint", Locality: places[zone].String(),
		Bind: m.block.Address(1, len(m.waypoints)), AdminPort: 15000,
	}}
	if m.form.hbone {
		w.own = ztunnel.Issue(m.t, m.ca, authority.Member("default", "waypoint"))
		w.flags.Secure = append(secure(string(w.own), "--ca", "--cert", "--key"), "--server-name", serverName, "--sds-dir", m.t.TempDir())
	}
	bootstrap, err := built.coastwise.Bootstrap(m.t.Context(), w.flags, m.server.XDS)
	if err != nil {
		m.t.Fatal(err)
	}
	w.Envoy, err = envoyproc.Start(envoyproc.Config{
		Binary: built.envoy, Name: w.flags.ID, Dir: m.logs, Bootstrap: bootstrap, Admin: w.flags.Admin(),
	})
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { w.Stop(3 * time.Second) })
	m.waypoints = append(m.waypoints, w)
	err = w.Await(soon(), func() error {
		conn, err := net.DialTimeout("tcp", w.listener(), time.Second)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return w
}

// listener is the IP:PORT where clients' ztunnels, or its own, come.
func (w *waypoint) listener() string { return fmt.Sprintf("%s:%d", w.flags.Bind, w.mesh.form.port) }

// dialer opens the connections of one client.
type dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// client is a new one of a waypoint, with an address of its own, in namespace default.
func (w *waypoint) client() dialer {
	w.mesh.clients++
	source := w.mesh.block.Address(9+w.mesh.clients/200, 1+w.mesh.clients%200)
	who := authority.Member("default", "client")
	if !w.mesh.form.hbone {
		return ztunnel.Sandwich{Waypoint: w.listener(), Source: netip.AddrPortFrom(netip.MustParseAddr(source), 40000), Identity: who.String()}
	}
	return w.tunnel(w.mesh.ca, who, source)
}

// tunnel is an HBONE client of some authority and identity, which trusts the mesh.
func (w *waypoint) tunnel(ca *authority.Authority, who authority.Identity, source string) *ztunnel.HBONE {
	credential := ztunnel.Issue(w.mesh.t, ca, who, w.mesh.ca)
	if ca == w.mesh.ca {
		w.mesh.clientCredentials = append(w.mesh.clientCredentials, credential)
	}
	h := (&ztunnel.HBONE{Credential: credential, Peer: w.listener(), Source: source, Expect: authority.Member("default", "waypoint").String()}).Open()
	w.mesh.t.Cleanup(h.Close)
	return h
}

// predicted is all that translate says of this waypoint, by cluster name.
func (w *waypoint) predicted() map[string]coastwise.Cluster {
	w.mesh.t.Helper()
	answer, err := built.coastwise.Translate(w.mesh.t.Context(), string(w.mesh.folder), w.flags, "")
	if err != nil {
		w.mesh.t.Fatal(err)
	}
	for _, p := range answer.Problems {
		if p.Severity == "error" {
			w.mesh.t.Errorf("the scene wrote what is refused: %+v", p)
		}
	}
	out := map[string]coastwise.Cluster{}
	for _, c := range answer.Clusters {
		out[c.Name] = c
	}
	return out
}

// zoneOf is the zone of a pod by its IP, "" for none that runs.
func (m *mesh) zoneOf(address string) string {
	ip, _, _ := strings.Cut(address, ":")
	for zone := range m.pods {
		if slices.ContainsFunc(m.pods[zone], func(p *pod) bool { return p.ip == ip }) {
			return places[zone].zone
		}
	}
	return ""
}
