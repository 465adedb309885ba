// Package cluster runs a real Kubernetes control plane for tests: etcd,
// kube-apiserver and kube-controller-manager on loopback addresses of their own,
// authorization by RBAC, an audit log, and no kubelet.
//
// In: the folder that hack/kube.sh prints (KUBE_BIN, or else the script is run).
// Out: a Cluster whose clients, kubectl and kubeconfigs reach it, and which can make
// Nodes and Pods as kubelets would: by patching their status. The controllers make
// what they make in any cluster, so that EndpointSlices and hints are real.
//
// Start gives a test its own cluster, Shared one to all tests of a binary.
package cluster
