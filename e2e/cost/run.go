package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/coastwise/coastwise/e2e/authority"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/envoyproc"
	"github.com/coastwise/coastwise/e2e/loopback"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// form is what one kind of proxy needs.
type form struct {
	flags coastwise.Client
	// protocol and port are those of the Gateway.
	protocol string
	port     int
	secure   bool
	// chains says that a listener has a chain for each port.
	chains bool
}

var forms = map[string]form{
	"sidecar":  {flags: coastwise.Client{Kind: "sidecar", HTTPProxyPort: 15080}, protocol: "PROXY", port: 15088},
	"captured": {flags: coastwise.Client{Kind: "sidecar", HTTPProxyPort: 15080, Capture: true}, protocol: "PROXY", port: 15088, chains: true},
	"waypoint": {flags: coastwise.Client{Kind: "waypoint", Gateway: "default/waypoint"}, protocol: "PROXY", port: 15088, chains: true},
	"hbone":    {flags: coastwise.Client{Kind: "waypoint", Gateway: "default/waypoint"}, protocol: "HBONE", port: 15008, secure: true, chains: true},
}

// serverName is what the certificate of the xDS port is for.
const serverName = "coastwise.test"

const patience = 5 * time.Minute

// result is one row.
type result struct {
	services int
	first    spent
	rss      uint64
	// late is how many resources did not come within the Envoy's patience.
	late int
	// idle is the Envoy's CPU when nothing happens, in seconds of it each second.
	idle    float64
	pushed  map[string]push
	updates []update
}

// pair is a server and the one Envoy that it serves.
type pair struct {
	mesh
	work   string
	block  *loopback.Block
	server *coastwise.Server
	envoy  *envoyproc.Envoy
	chains bool
	// overlay is the file that is laid over the bootstrap, or "".
	overlay string
}

// one measures one kind of proxy with n services.
func (o *options) one(ctx context.Context, kind string, n int) (r result, err error) {
	work, err := os.MkdirTemp("", "coastwise-cost-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(work)
	p := &pair{work: work, chains: forms[kind].chains, overlay: o.overlay, mesh: mesh{Folder: manifest.Folder(filepath.Join(work, "mesh")), ports: o.ports, endpoints: o.endpoints}}
	if p.block, err = loopback.Claim(); err != nil {
		return r, err
	}
	defer p.block.Release()
	defer p.close()
	r.services = n
	from, err := p.start(ctx, coastwise.Binary(o.coastwise), o.envoy, forms[kind], n)
	if err != nil {
		return r, err
	}
	if err := p.envoy.WaitReady(from.since.Add(patience)); err != nil {
		return r, err
	}
	if r.first, err = p.settle(ctx, from); err != nil {
		return r, err
	}
	if r.late, err = p.complete(ctx); err != nil {
		return r, err
	}
	if r.rss, err = rssOf(p.envoy.Pid()); err != nil {
		return r, err
	}
	if r.pushed, err = p.pushes(ctx); err != nil {
		return r, err
	}
	if r.idle, err = p.idling(ctx); err != nil || o.updates == 0 {
		return r, err
	}
	r.updates, err = p.update(ctx, n, o.updates, r.idle)
	return r, err
}

// start runs both, the server first until it is ready, and is what both have used when
// the Envoy starts: what the server read before is not of this proxy.
func (p *pair) start(ctx context.Context, binary coastwise.Binary, envoy string, f form, n int) (from spent, err error) {
	if err := os.Mkdir(string(p.Folder), 0o755); err != nil {
		return from, err
	}
	if err := p.write(n, f.protocol, f.port); err != nil {
		return from, err
	}
	at := func(port int) string { return fmt.Sprintf("%s:%d", p.block.Address(1, 200), port) }
	serve := coastwise.Serve{From: []string{string(p.Folder)}, XDS: at(15010), Admin: at(15014), Log: filepath.Join(p.work, "server.log")}
	flags := f.flags
	flags.ID, flags.Locality, flags.Bind, flags.AdminPort = "measured", "eu/eu-0", p.block.Address(1, 1), 15000
	if f.secure {
		ours, theirs, err := p.certificates()
		if err != nil {
			return from, err
		}
		serve.Args, flags.Secure = ours, theirs
	}
	if p.server, err = binary.Start(serve); err != nil {
		return from, err
	}
	if err := p.server.WaitReady(time.Now().Add(patience)); err != nil {
		return from, err
	}
	bootstrap, err := binary.Bootstrap(ctx, flags, serve.XDS)
	if err != nil {
		return from, err
	}
	if bootstrap, err = overlaid(bootstrap, p.overlay); err != nil {
		return from, err
	}
	from.since = time.Now()
	if from.server, err = cpuOf(p.server.Pid()); err != nil {
		return from, err
	}
	p.envoy, err = envoyproc.Start(envoyproc.Config{Binary: envoy, Name: flags.ID, Dir: p.work, Bootstrap: bootstrap, Admin: flags.Admin()})
	return from, err
}

// certificates are the flags of serve and of bootstrap.
func (p *pair) certificates() (serve, bootstrap []string, err error) {
	ca, err := authority.New("cost CA")
	if err != nil {
		return nil, nil, err
	}
	ours, theirs := filepath.Join(p.work, "server"), filepath.Join(p.work, "proxy")
	if err := errors.Join(os.Mkdir(ours, 0o700), os.Mkdir(theirs, 0o700), ca.WriteIdentity(theirs, authority.Member("default", "waypoint"))); err != nil {
		return nil, nil, err
	}
	chain, key := ca.Issue(serverName)
	for name, content := range map[string][]byte{authority.ChainFile: chain, authority.KeyFile: key, authority.BundleFile: ca.PEM()} {
		if err := os.WriteFile(filepath.Join(ours, name), content, 0o600); err != nil {
			return nil, nil, err
		}
	}
	files := func(dir, bundle, chain, key string) []string {
		return []string{
			bundle, filepath.Join(dir, authority.BundleFile), chain, filepath.Join(dir, authority.ChainFile), key, filepath.Join(dir, authority.KeyFile),
		}
	}
	return files(ours, "--client-ca", "--tls-cert", "--tls-key"),
		append(files(theirs, "--ca", "--cert", "--key"), "--server-name", serverName, "--sds-dir", theirs), nil
}

func (p *pair) close() {
	if p.envoy != nil {
		p.envoy.Kill()
	}
	if p.server != nil {
		p.server.Stop(5 * time.Second)
	}
}
