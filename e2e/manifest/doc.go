// Package manifest writes Kubernetes manifests as text and changes files the way
// that editors and deployment tools do: whole, by a rename.
//
// In: names, addresses, places. Out: YAML that a person can read and edit.
package manifest
