package v1alpha1

import "cmp"

// TargetOf is the workload's number of a ServiceEntry's port: the one that it
// gives by name, else the port's targetPort, else its number.
func (w *WorkloadEntrySpec) TargetOf(port ServicePort) int64 {
	return cmp.Or(w.Ports[port.Name], port.TargetPort, port.Number)
}
