package status

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// noForm is what is said of an object that was never admitted.
const noForm = "no form of it was ever admitted; only its allowedRegions, if it has any, forbid"

// programmed is how far the proxies are. What time does not mend goes first: a
// service that could not be built, a proxy that refused, a fence that leaves nothing;
// then replicas that are not heard, since nobody knows what hangs on them.
//
// No proxy at all is True if the object is sound: a pipeline that waits for its rule
// before the first proxy is there shall not hang. A rule for a host that does not exist, or
// that lost to another, reaches nobody for another cause; there it is False.
func (f findings) programmed(o Object, r Report, sound bool) metav1.Condition {
	said := progress(r)
	bad := f.flips[Programmed]
	if !r.Seen { // what was refused may be the form before
		bad = slices.DeleteFunc(slices.Clone(bad), func(p model.Problem) bool { return p.Reason == model.ProxyRejected })
	}
	switch {
	case o.Acts == 0:
		return pending(metav1.ConditionFalse, noForm)
	case o.Acts != o.Generation:
		return pending(metav1.ConditionFalse, fmt.Sprintf("generation %d does not act; generation %d still does: %s", o.Generation, o.Acts, said), list(bad))
	case len(bad) > 0 || r.Seen && r.Rollout.Refused > 0:
		return rejected(r, bad, said)
	case len(r.Unheard) > 0:
		return pending(metav1.ConditionUnknown, said)
	case !r.Seen:
		return pending(metav1.ConditionFalse, said, refusal(r))
	case r.Rollout.Pending() > 0:
		return pending(metav1.ConditionFalse, said)
	case !sound && r.Rollout.Proxies == 0:
		return pending(metav1.ConditionFalse, "no proxy holds it, and it is not as it should be: see the other conditions")
	}
	return metav1.Condition{Status: metav1.ConditionTrue, Reason: Programmed, Message: said}
}

func pending(status metav1.ConditionStatus, lines ...string) metav1.Condition {
	return metav1.Condition{Status: status, Reason: Pending, Message: join(lines...)}
}

// rejected is False for Problems, or because a proxy of any replica refused.
func rejected(r Report, bad []model.Problem, said string) metav1.Condition {
	words := refusal(r)
	if words != "" {
		// The same refusal as this replica's own Problem says nothing more.
		bad = slices.DeleteFunc(slices.Clone(bad), func(p model.Problem) bool {
			return p.Reason == model.ProxyRejected && clip(p.Message, maxLine) == words
		})
	}
	why := reason(Programmed, bad)
	if r.Rollout.Refused > 0 && why != string(model.BuildFailed) {
		why = string(model.ProxyRejected)
	}
	return metav1.Condition{Status: metav1.ConditionFalse, Reason: why, Message: join(said, words, list(bad))}
}

// refusal is who refused what in which words, "" if nobody did.
func refusal(r Report) string {
	if r.Rollout.Refused == 0 {
		return ""
	}
	return clip(fmt.Sprintf("%s refused %s: %s", r.Rollout.Proxy, r.Rollout.Resource, strings.TrimSpace(r.Rollout.Message)), maxLine)
}

// progress is "118 of 120 proxies", who refuses, and who is not heard.
func progress(r Report) string {
	said := fmt.Sprintf("%d of %d proxies", r.Rollout.Programmed, r.Rollout.Proxies)
	if r.Rollout.Proxies == 0 {
		said = "no proxy holds it"
		if len(r.Unheard) > 0 {
			said = "no proxy of the replicas heard holds it"
		}
	}
	if r.Rollout.Refused > 0 {
		said += fmt.Sprintf(", %d refused", r.Rollout.Refused)
	}
	if len(r.Unheard) > 0 {
		said += "; not heard: " + names(r.Unheard)
	} else if !r.Seen {
		said += "; not every replica has read it yet"
	}
	return said
}

// maxNames bounds a list of replicas.
const maxNames = 5

// names lists some, sorted, and counts the rest.
func names(all []string) string {
	sorted := slices.Sorted(slices.Values(all))
	if len(sorted) <= maxNames {
		return strings.Join(sorted, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(sorted[:maxNames], ", "), len(sorted)-maxNames)
}
