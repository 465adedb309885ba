package kubefaults_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/coastwise/coastwise/e2e/ads"
	"github.com/coastwise/coastwise/e2e/authority"
	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/kube"
)

// serverName is what the certificate of the xDS port is for.
const serverName = "coastwise.test"

// bearer is a token that is shown with each call.
type bearer string

var _ credentials.PerRPCCredentials = bearer("")

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials.
func (bearer) RequireTransportSecurity() bool { return true }

// verifying starts another coastwise on the shop's cluster, one whose clients show a
// token of their Pod and that reads lists, and lets a Pod of the shop show one.
func (z *shop) verifying() {
	z.Helper()
	ca, err := authority.New("coastwise-e2e")
	if err != nil {
		z.Fatal(err)
	}
	cert, key := ca.IssueTo(authority.Holder{DNS: []string{serverName}})
	dir := z.TempDir()
	for name, content := range map[string][]byte{"tls.crt": cert, "tls.key": key} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			z.Fatal(err)
		}
	}
	s := kube.Start(z, z.Cluster, tools, kube.Options{
		Args: []string{"--tls-cert", filepath.Join(dir, "tls.crt"), "--tls-key", filepath.Join(dir, "tls.key")},
		Env:  []string{"KUBE_FEATURE_WatchListClient=false"},
	})
	roots := x509.NewCertPool()
	roots.AddCert(ca.Cert)
	const pod = "shop-0-0"
	conn, err := grpc.NewClient(s.Server.XDS,
		grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(roots, serverName)),
		grpc.WithPerRPCCredentials(bearer(z.Cluster.Token(z, z.namespace, "default", "coastwise", pod))))
	if err != nil {
		z.Fatal(err)
	}
	z.Cleanup(func() { conn.Close() })
	client := &ads.Client{Node: z.node(pod)}
	if err := client.Connect(conn); err != nil {
		z.Fatal(err)
	}
	z.Cleanup(client.Close)
	client.Subscribe(ads.Cluster, ads.Wildcard)
	cluster.Eventually(z, kube.Patience, func() error {
		if len(client.Held(ads.Cluster)) == 0 {
			return fmt.Errorf("a Pod that shows its token is sent nothing: %w", client.Err())
		}
		return nil
	})
}
