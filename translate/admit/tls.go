package admit

import (
	"slices"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// Options is what admission is told of the machine that it runs on.
type Options struct {
	// Credential finds the folder with the files of all these secrets, whose names are
	// DNS labels; the error says why there is none. It is nil where no folder of
	// secrets was given.
	Credential func(secrets []string) (dir string, err error)
}

// maxSecretName is what Kubernetes allows, also where the name is not used.
const maxSecretName = 253

const (
	simple      = "SIMPLE"
	mutual      = "MUTUAL"
	istioMutual = "ISTIO_MUTUAL"
)

// tls checks 2.7. Files cannot be named: a certificate is that of a credential.
func (r *report) tls(p path, t *v1alpha1.TLS) {
	r.oneOf(p.child("mode"), t.Mode, "DISABLE", simple, mutual, istioMutual)
	if t.InsecureSkipVerify && len(t.SubjectAltNames) > 0 {
		r.invalid(p.child("subjectAltNames"), "not together with insecureSkipVerify")
	}
	if i := slices.Index(t.SubjectAltNames, ""); i >= 0 {
		r.invalid(p.child("subjectAltNames").index(i), "is empty")
	}
	if t.SNI != "" {
		r.dnsName(p.child("sni"), t.SNI)
	}
	r.length(p.child("credentialName"), t.CredentialName, maxSecretName)
	if t.Mode != simple && t.Mode != mutual {
		return
	}
	for _, f := range []struct{ name, file string }{
		{"clientCertificate", t.ClientCertificate},
		{"privateKey", t.PrivateKey},
		{"caCertificates", t.CACertificates},
		{"caCrl", t.CACRL},
	} {
		if f.file != "" {
			r.invalid(p.child(f.name), "files cannot be named; write credentialName, and put its files into a folder of --tls-dir")
		}
	}
	r.credential(p.child("credentialName"), t)
}

// credential checks the name of the secrets, and finds their file.
func (r *report) credential(p path, t *v1alpha1.TLS) {
	name := t.CredentialName
	switch {
	case name == "" && t.Mode == mutual:
		r.invalid(p, "is missing; mode MUTUAL needs the client's certificate")
	case name == "":
	case t.Mode == simple && t.InsecureSkipVerify:
		r.invalid(p, "not together with insecureSkipVerify: in mode SIMPLE it is only the CA")
	case r.options.Credential == nil:
		r.invalid(p, "%q cannot be found: no --tls-dir is given", clip(name))
	default:
		r.dnsLabel(p, name)
		if r.isWrong(p) || r.isCovered(p) {
			return
		}
		var secrets []string
		if t.Mode == mutual {
			secrets = append(secrets, name)
		}
		if !t.InsecureSkipVerify {
			secrets = append(secrets, name+"-ca")
		}
		dir, err := r.options.Credential(secrets)
		if err != nil {
			r.invalid(p, "%q cannot be found: %v", name, err)
		}
		t.CredentialDir = dir
	}
}

// honouredTLS refuses encryption that is asked for and cannot be had. Without a
// mode the other fields ask for nothing, as in Istio, which is told.
func (r *report) honouredTLS(at path, t *v1alpha1.TLS) {
	if t == nil || r.isCovered(at) {
		return
	}
	switch t.Mode {
	case "", "DISABLE":
		if t.SNI != "" || t.SubjectAltNames != nil || t.InsecureSkipVerify || t.CredentialName != "" || namesFile(t) {
			r.add(model.Info, model.NoEffect, at, "has no effect without mode SIMPLE or MUTUAL")
		}
	case istioMutual:
		r.add(model.Error, model.NotHonoured, at.child("mode"),
			"ISTIO_MUTUAL is not honoured yet: there is no mesh CA; write MUTUAL and credentialName; the object is refused")
	case simple:
		if t.CredentialName == "" && !t.InsecureSkipVerify && !namesFile(t) {
			r.add(model.Error, model.NotHonoured, at,
				"needs the system's roots, which Envoy does not find by itself and would then verify nothing; write credentialName: NAME, "+
					"and in a folder of --tls-dir NAME-ca.yaml, whose trusted_ca names the file of the roots; the object is refused")
		}
	}
}

func namesFile(t *v1alpha1.TLS) bool {
	return t.ClientCertificate != "" || t.PrivateKey != "" || t.CACertificates != "" || t.CACRL != ""
}
