package kube

import "github.com/coastwise/coastwise/api/v1alpha1"

// crd is a kind whose CRD may be there or not.
type crd struct{ group, plural, kind string }

// crds are the kinds that are read where their CRDs are installed.
func crds() []crd {
	return []crd{
		{v1alpha1.GroupName, "destinationrules", v1alpha1.KindDestinationRule},
		{v1alpha1.GroupName, "meshconfigs", v1alpha1.KindMeshConfig},
		{v1alpha1.GroupName, "serviceentries", v1alpha1.KindServiceEntry},
		{v1alpha1.GroupName, "workloadentries", v1alpha1.KindWorkloadEntry},
		{v1alpha1.IstioGroup, "destinationrules", v1alpha1.KindDestinationRule},
		{v1alpha1.IstioGroup, "serviceentries", v1alpha1.KindServiceEntry},
		{v1alpha1.IstioGroup, "workloadentries", v1alpha1.KindWorkloadEntry},
	}
}

// ours says that it is of our own group.
func (k crd) ours() bool { return k.group == v1alpha1.GroupName }

// versions are those that are read, the newest first.
func (k crd) versions() []string {
	if k.ours() {
		return []string{v1alpha1.Version}
	}
	return v1alpha1.IstioVersions()
}

// refKind is the kind in references.
func (k crd) refKind() string { return v1alpha1.KindOf(k.group+"/", k.kind) }

// String is PLURAL.GROUP, as kubectl has it.
func (k crd) String() string { return k.plural + "." + k.group }

// namesSecrets says that its objects may name credentials.
func (k crd) namesSecrets() bool { return k.kind == v1alpha1.KindDestinationRule }
