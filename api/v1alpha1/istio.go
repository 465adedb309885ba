package v1alpha1

import "strings"

// Istio's own group, whose DestinationRules are read as they are. Its kinds have
// the fields of ours without those that are tagged istio:"-".
const (
	IstioGroup = "networking.istio.io"
	// IstioAPIVersion is what admission writes into an object of any served version.
	IstioAPIVersion = IstioGroup + "/v1"
)

// IstioVersions are the versions of Istio's group that are served: one schema
// under three names, so that all of one name are one object.
func IstioVersions() []string { return []string{"v1", "v1beta1", "v1alpha3"} }

// IsIstio says whether an apiVersion is of Istio's group.
func IsIstio(apiVersion string) bool {
	group, _, _ := strings.Cut(apiVersion, "/")
	return group == IstioGroup
}

// KindOf is the name of a kind in references: KIND, or KIND.networking.istio.io as
// kubectl has it, since an object of ours may have the same name.
func KindOf(apiVersion, kind string) string {
	if IsIstio(apiVersion) {
		return kind + "." + IstioGroup
	}
	return kind
}
