package authority

import (
	"net/url"
	"os"
	"path/filepath"
)

// TrustDomain is the one that a mesh has without further ado.
const TrustDomain = "cluster.local"

// The names of the files of an identity: a chain, its key, and the bundle of who is
// trusted.
const (
	ChainFile  = "cert.pem"
	KeyFile    = "key.pem"
	BundleFile = "ca.pem"
)

// Identity is a SPIFFE id: spiffe://DOMAIN/ns/NAMESPACE/sa/ACCOUNT.
type Identity struct{ Domain, Namespace, Account string }

// String is the id as it stands in a certificate.
func (i Identity) String() string { return i.url().String() }

func (i Identity) url() *url.URL {
	return &url.URL{Scheme: "spiffe", Host: i.Domain, Path: "/ns/" + i.Namespace + "/sa/" + i.Account}
}

// Member is an account of a namespace in the default trust domain.
func Member(namespace, account string) Identity {
	return Identity{Domain: TrustDomain, Namespace: namespace, Account: account}
}

// IssueIdentity makes a certificate whose only name is the identity, for servers and
// clients alike, as PEM of chain and key. It panics where the machine has no
// randomness.
func (a *Authority) IssueIdentity(i Identity) (chain, key []byte) {
	return a.IssueTo(Holder{URIs: []*url.URL{i.url()}})
}

// WriteIdentity issues a certificate for an identity and puts it, its key and the
// bundle of this authority and the others into dir, each renamed into place: once
// more is a rotation. Between two renames chain and key do not go together, as with
// any tool that writes one file after the other.
func (a *Authority) WriteIdentity(dir string, i Identity, others ...*Authority) error {
	chain, key := a.IssueIdentity(i)
	bundle := a.PEM()
	for _, o := range others {
		bundle = append(bundle, o.PEM()...)
	}
	for _, f := range []struct {
		name    string
		content []byte
	}{{BundleFile, bundle}, {ChainFile, chain}, {KeyFile, key}} {
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path+".new", f.content, 0o600); err != nil {
			return err
		}
		if err := os.Rename(path+".new", path); err != nil {
			return err
		}
	}
	return nil
}
