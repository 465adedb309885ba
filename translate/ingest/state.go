package ingest

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// neverReadyWithin is how long after a pod's start a Ready condition that is
// not True may last have changed for the pod to count as never ready (semantics 7).
const neverReadyWithin = 2 * time.Second

// state reads an endpoint's conditions; an absent one means ready, serving and
// not terminating. pod may be nil.
func state(c discoveryv1.EndpointConditions, pod *corev1.Pod) model.State {
	switch {
	case c.Ready == nil || *c.Ready:
		return model.Ready
	case terminating(c) && (c.Serving == nil || *c.Serving):
		return model.Serving
	case terminating(c):
		return model.Terminating
	}
	return unready(pod)
}

func terminating(c discoveryv1.EndpointConditions) bool {
	return c.Terminating != nil && *c.Terminating
}

// unready tells what kind of unready an endpoint is by its pod. A pod or a start that
// is not known proves nothing.
func unready(pod *corev1.Pod) model.State {
	if pod == nil || pod.Status.StartTime.IsZero() {
		return model.Unready
	}
	for i := range pod.Status.Conditions {
		c := &pod.Status.Conditions[i]
		if c.Type != corev1.PodReady {
			continue
		}
		limit := pod.Status.StartTime.Add(neverReadyWithin)
		switch {
		case c.Status == corev1.ConditionTrue:
			return model.Behind
		case c.LastTransitionTime.IsZero(), !c.LastTransitionTime.After(limit):
			return model.NeverReady
		}
		return model.Unready
	}
	return model.NeverReady
}
