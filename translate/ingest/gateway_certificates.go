package ingest

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// terminates reads tls of an HTTPS listener: it must end TLS here, with a certificate at
// least. One of several that cannot be had leaves the others.
func (e *edge) terminates(l *edgeListener) {
	tls := l.spec.TLS
	if tls == nil || len(tls.CertificateRefs) == 0 {
		e.refuse(l, model.InvalidCertificateRef, ".tls.certificateRefs", "a listener of protocol HTTPS needs a certificate")
		return
	}
	if mode := ptr.Deref(tls.Mode, gatewayv1.TLSModeTerminate); mode != gatewayv1.TLSModeTerminate {
		e.refuse(l, model.UnsupportedValue, ".tls.mode", "%s: a listener of protocol HTTPS has mode Terminate", mode)
		return
	}
	for option := range tls.Options {
		e.refuse(l, model.UnsupportedValue, ".tls.options", "no option is known, and %q may ask for more than TLS 1.2", option)
		return
	}
	for j := range tls.CertificateRefs {
		e.certificate(l, fmt.Sprintf(".tls.certificateRefs[%d]", j), &tls.CertificateRefs[j])
	}
	l.valid = len(l.certificates) > 0
}

// certificate finds the file of one reference.
func (e *edge) certificate(l *edgeListener, field string, ref *gatewayv1.SecretObjectReference) {
	own := e.o.Gateway.Namespace
	namespace := string(ptr.Deref(ref.Namespace, gatewayv1.Namespace(own)))
	tell := func(reason model.Reason, format string, args ...any) {
		e.tell(model.Error, reason, l.at+field, format+"; the listener listens only with a certificate", args...)
	}
	if ptr.Deref(ref.Group, "") != "" || ptr.Deref(ref.Kind, "Secret") != "Secret" {
		tell(model.InvalidCertificateRef, "%s %s: a certificate is a Secret", ptr.Deref(ref.Kind, ""), ref.Name)
		return
	}
	to := model.ObjectRef{Kind: "Secret", Namespace: namespace, Name: string(ref.Name)}
	if namespace != own && !grants(e.o.Routing.Grants, gatewayRef(e.o.Gateway), to, corev1.GroupName) {
		tell(model.RefNotPermitted, "no ReferenceGrant in namespace %s lets Gateways of %s use its Secret %s", namespace, own, ref.Name)
		return
	}
	name := model.CredentialName(namespace, string(ref.Name))
	dir, found := e.o.Credentials.In[name]
	why, unfit := e.o.Credentials.Unfit[name]
	if c := (model.Credential{Name: name, Dir: dir}); found && !slices.Contains(l.certificates, c) {
		l.certificates = append(l.certificates, c)
	}
	switch {
	case unfit && found:
		tell(model.InvalidCertificateRef, "%s.yaml: %s: Envoys that have read it before go on with that", name, why)
	case unfit:
		tell(model.InvalidCertificateRef, "%s.yaml: %s", name, why)
	case found:
	case len(e.o.Credentials.Folders) == 0:
		tell(model.InvalidCertificateRef, "there is no %s.yaml: no --tls-dir is given", name)
	default:
		tell(model.InvalidCertificateRef, "there is no %s.yaml in %s", name, strings.Join(e.o.Credentials.Folders, ", "))
	}
}

// clientCertificates refuses listeners that must ask clients for a certificate: without
// asking they would let in more than was meant.
func (e *edge) clientCertificates() {
	if e.o.Gateway.Spec.TLS == nil || e.o.Gateway.Spec.TLS.Frontend == nil {
		return
	}
	f := e.o.Gateway.Spec.TLS.Frontend
	for _, l := range e.all {
		if !l.valid || !l.https() {
			continue
		}
		validation, field := f.Default.Validation, "spec.tls.frontend.default.validation"
		for j := range f.PerPort {
			if uint32(f.PerPort[j].Port) == l.port() {
				validation, field = f.PerPort[j].TLS.Validation, fmt.Sprintf("spec.tls.frontend.perPort[%d].tls.validation", j)
			}
		}
		if validation != nil {
			l.valid = false
			e.tell(model.Error, model.NotHonoured, field, "certificates of clients are not asked for yet; listener %q does not listen", l.spec.Name)
		}
	}
}
