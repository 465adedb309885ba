package files

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"sigs.k8s.io/yaml"

	"github.com/coastwise/coastwise/translate/ingest"
)

// judged is what a file with the certificate of a Gateway was when it was read last.
type judged struct {
	info  fs.FileInfo
	wrong string
}

// forGateways says that a file's NAME is that of a Gateway's certificate,
// NAMESPACE.NAME; a credentialName has no dot.
func forGateways(name string) bool { return strings.Contains(name, ".") }

// judge notes what is wrong with the certificate of a Gateway in dir: an Envoy that was
// shown it refuses every later change of the port, also of the listeners beside. A name
// whose file was good before stays, since an Envoy goes on with what it read then.
func (s *Source) judge(name, dir string, out *ingest.Credentials) {
	path := filepath.Join(dir, name+".yaml")
	if wrong := s.wrongIn(path, name); wrong != "" {
		out.Wrong[name] = path + " holds no certificate: " + wrong
		if s.good[name] != dir {
			return
		}
	}
	s.good[name] = dir
	out.In[name] = dir
}

// wrongIn reads a file if it is another than at the last look.
func (s *Source) wrongIn(path, name string) string {
	info, err := os.Stat(path)
	if was, ok := s.judged[path]; ok && err == nil && unchanged(was.info, info) {
		return was.wrong
	}
	data, err := os.ReadFile(path)
	if err == nil {
		err = certificateIn(data, name)
	}
	j := judged{info: info}
	if err != nil {
		j.wrong = strings.ReplaceAll(bare(err).Error(), "\u00a0", " ") // protobuf's own spaces
	}
	s.judged[path] = j
	return j.wrong
}

// certificateIn says why Envoy would not take a certificate from a file of file SDS. What
// the file names by paths is Envoy's to read, and not looked at.
func certificateIn(data []byte, name string) error {
	text, err := yaml.YAMLToJSON(data)
	if err != nil {
		return errors.New("it is no YAML") // the words of the error may quote the key
	}
	if string(text) == "null" {
		return errors.New("it is empty")
	}
	var file discoveryv3.DiscoveryResponse
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(text, &file); err != nil {
		return errors.New("it is no DiscoveryResponse, which is what file SDS reads")
	}
	if n := len(file.Resources); n != 1 {
		return fmt.Errorf("resources: %d, and one is wanted", n)
	}
	secret := new(tlsv3.Secret)
	if err := file.Resources[0].UnmarshalTo(secret); err != nil {
		return fmt.Errorf("resources[0] is %s, and no Secret", file.Resources[0].TypeUrl)
	}
	if secret.Name != name {
		return fmt.Errorf("resources[0].name is %q, not %q", secret.Name, name)
	}
	return pairIn(secret.GetTlsCertificate())
}

// pairIn looks at a chain and its key, and where both stand in the file, whether they are
// of one another.
func pairIn(c *tlsv3.TlsCertificate) error {
	switch {
	case c == nil:
		return errors.New("resources[0].tls_certificate is missing")
	case c.GetPkcs12().GetSpecifier() != nil:
		return nil
	case c.GetCertificateChain().GetSpecifier() == nil:
		return errors.New("resources[0].tls_certificate.certificate_chain is missing")
	case c.GetPrivateKeyProvider() != nil:
		return nil
	case c.GetPrivateKey().GetSpecifier() == nil:
		return errors.New("resources[0].tls_certificate.private_key is missing")
	}
	chain, key := inFile(c.GetCertificateChain()), inFile(c.GetPrivateKey())
	if chain == nil || key == nil || c.GetPassword() != nil {
		return nil
	}
	_, err := tls.X509KeyPair(chain, key)
	return err
}

// inFile is what stands in the file itself, nil if it stands elsewhere.
func inFile(d *corev3.DataSource) []byte {
	switch v := d.GetSpecifier().(type) {
	case *corev3.DataSource_InlineString:
		return []byte(v.InlineString)
	case *corev3.DataSource_InlineBytes:
		return v.InlineBytes
	}
	return nil
}
