package ingest

import (
	"cmp"
	"slices"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// encryption resolves a block (reference/destination-rule.md 2.7); nil where
// there is none, or where it asks for none. Names that a ServiceEntry gives hold
// where the block gives none.
func encryption(t *v1alpha1.TLS, ofEntry []string) *model.TLS {
	if t == nil || t.Mode != "SIMPLE" && t.Mode != "MUTUAL" {
		return nil
	}
	out := &model.TLS{
		Credential: t.CredentialName, Dir: t.CredentialDir,
		Mutual: t.Mode == "MUTUAL", SkipVerify: t.InsecureSkipVerify, SNI: t.SNI,
	}
	out.SubjectAltNames = altNames(t.SubjectAltNames)
	if out.SubjectAltNames == nil && !t.InsecureSkipVerify {
		out.SubjectAltNames = ofEntry
	}
	return out
}

// altNames are sorted, each once; nil if there is none.
func altNames(names []string) []string {
	if len(names) == 0 {
		return nil
	}
	return slices.Compact(slices.Sorted(slices.Values(names)))
}

// proxyProtocol is V1 where the version is not written (2.8).
func proxyProtocol(p *v1alpha1.ProxyProtocol) model.ProxyProtocol {
	if p == nil {
		return model.NoProxyProtocol
	}
	return cmp.Or(model.ProxyProtocol(p.Version), model.ProxyProtocolV1)
}
