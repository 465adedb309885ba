package files

import (
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// maxCertificate bounds the file of a certificate that is looked into; certificates have
// some kilobytes.
const maxCertificate = 1 << 20

// certificate is what was seen of the file of a Gateway's certificate.
type certificate struct {
	changed time.Time
	size    int64
	// why says what is wrong, "" if nothing is; sound that nothing was at some look:
	// Envoys that have read it then go on with what they have.
	why   string
	sound bool
}

// isCertificate says that a file's name is NAMESPACE.NAME of a Gateway's certificate; the
// names that rules may give have no dot.
func isCertificate(name string) bool { return strings.Contains(name, ".") }

// certificates looks into the files that changed since the last look. What cannot be read
// is left to Envoy, which may.
func (s *Source) certificates() {
	now := map[string]certificate{}
	for _, path := range s.found {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		info, err := os.Stat(path)
		if !isCertificate(name) || err != nil {
			continue
		}
		c, known := s.looked[path]
		if !known || !c.changed.Equal(info.ModTime()) || c.size != info.Size() {
			c.changed, c.size, c.why = info.ModTime(), info.Size(), ""
			if data, err := os.ReadFile(path); err == nil && info.Size() <= maxCertificate {
				c.why = unfit(name, data)
			}
			c.sound = c.sound || c.why == ""
		}
		now[path] = c
	}
	s.looked = now
}

// secretFile is what is read of a file of Secrets, in both spellings that Envoy takes. The
// private key is none of it.
type secretFile struct {
	Resources []struct {
		Name           string        `json:"name"`
		TLSCertificate *secretOfFile `json:"tls_certificate"`
		JSON           *secretOfFile `json:"tlsCertificate"`
	} `json:"resources"`
}

type secretOfFile struct {
	Chain *chainOfFile `json:"certificate_chain"`
	JSON  *chainOfFile `json:"certificateChain"`
}

type chainOfFile struct {
	String     *string `json:"inline_string"`
	JSONString *string `json:"inlineString"`
	Bytes      []byte  `json:"inline_bytes"`
	JSONBytes  []byte  `json:"inlineBytes"`
}

// unfit says why a file is no certificate that Envoy can show under a name, "" if it may
// be one. What stands in other files is not followed: their paths are Envoy's.
func unfit(name string, data []byte) string {
	var file secretFile
	if err := yaml.Unmarshal(data, &file); err != nil {
		return "it does not parse" // the words of the error may quote the key
	}
	for _, r := range file.Resources {
		secret := cmp.Or(r.TLSCertificate, r.JSON)
		if r.Name != name || secret == nil {
			continue
		}
		chain := cmp.Or(secret.Chain, secret.JSON)
		if chain == nil {
			return "it has no certificate_chain"
		}
		if err := chain.check(); err != nil {
			return fmt.Sprintf("its certificate_chain is none: %v", err)
		}
		return ""
	}
	return fmt.Sprintf("it has no tls_certificate of the name %q", name)
}

// check looks at a chain that stands in the file itself.
func (c *chainOfFile) check() error {
	rest := slices.Concat(c.Bytes, c.JSONBytes)
	if text := cmp.Or(c.String, c.JSONString); text != nil {
		rest = []byte(*text)
	} else if rest == nil {
		return nil
	}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return errors.New("it holds no CERTIFICATE in PEM")
		}
		if block.Type == "CERTIFICATE" {
			_, err := x509.ParseCertificate(block.Bytes)
			return err
		}
	}
}
