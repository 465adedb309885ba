package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/yaml"

	"github.com/coastwise/coastwise/e2e/cluster"
)

// mountCertificates keeps a folder with a file for each Secret of type
// kubernetes.io/tls, as docs/edge.md wants it, until the test ends.
func mountCertificates(t testing.TB, c *cluster.Cluster, dir string) {
	t.Helper()
	stop := make(chan struct{})
	factory := informers.NewSharedInformerFactory(c.Client(), 0)
	write := func(o any) {
		if err := writeCertificate(dir, o.(*corev1.Secret)); err != nil {
			t.Error(err)
		}
	}
	_, err := factory.Core().V1().Secrets().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    write,
		UpdateFunc: func(_, o any) { write(o) },
		DeleteFunc: func(o any) {
			if s, ok := o.(*corev1.Secret); ok && s.Type == corev1.SecretTypeTLS {
				_ = os.Remove(filepath.Join(dir, certificateFile(s)))
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	factory.Start(stop)
	t.Cleanup(func() {
		close(stop)
		factory.Shutdown()
	})
}

func certificateFile(s *corev1.Secret) string { return fmt.Sprintf("%s.%s.yaml", s.Namespace, s.Name) }

// writeCertificate moves a file into the folder whole.
func writeCertificate(dir string, s *corev1.Secret) error {
	if s.Type != corev1.SecretTypeTLS {
		return nil
	}
	inline := func(key string) map[string]any { return map[string]any{"inline_string": string(s.Data[key])} }
	content, err := yaml.Marshal(map[string]any{"resources": []any{map[string]any{
		"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
		"name":  s.Namespace + "." + s.Name,
		"tls_certificate": map[string]any{
			"certificate_chain": inline(corev1.TLSCertKey), "private_key": inline(corev1.TLSPrivateKeyKey),
		},
	}}})
	if err != nil {
		return err
	}
	path := filepath.Join(dir, certificateFile(s))
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
