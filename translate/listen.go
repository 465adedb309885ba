package translate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// Listeners are the explicit listeners of clients that see all of these services
// (semantics 9.3), by port. On a clash the older Service wins, then namespace and
// name; the losers are told.
func Listeners(services []*model.Service) ([]envoy.Explicit, []model.Problem) {
	var claims []envoy.Explicit
	for _, s := range services {
		for _, l := range s.Listens {
			claims = append(claims, envoy.Explicit{Listen: l, Service: s})
		}
	}
	slices.SortFunc(claims, func(a, b envoy.Explicit) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Service.Created, b.Service.Created),
			strings.Compare(a.Service.Namespace, b.Service.Namespace), strings.Compare(a.Service.Name, b.Service.Name))
	})
	var out []envoy.Explicit
	var problems []model.Problem
	for _, e := range claims {
		if n := len(out); n > 0 && out[n-1].At == e.At {
			problems = append(problems, conflicted(e, fmt.Sprintf(
				"listener port %d is already that of %s, which clients that see both get instead", e.At, out[n-1].Service.Object)))
			continue
		}
		out = append(out, e)
	}
	return out, model.SortProblems(problems)
}

// ListenerTaken tells that a client has its HTTP proxy port where a listener is
// declared: the proxy port stays.
func ListenerTaken(e envoy.Explicit) model.Problem {
	return conflicted(e, fmt.Sprintf("listener port %d is the HTTP proxy port of some clients, which get no such listener", e.At))
}

// ListenerOfGateway tells that clients which run a Gateway at the edge get no such
// listener, because the Gateway has the port.
func ListenerOfGateway(e envoy.Explicit, gateway model.ObjectRef) model.Problem {
	return conflicted(e, fmt.Sprintf("listener port %d is that of %s, whose proxies get no such listener", e.At, gateway))
}

func conflicted(e envoy.Explicit, message string) model.Problem {
	return model.Problem{
		Object: e.Service.Object, Field: "metadata.annotations[" + model.ListenAnnotation + "]",
		Severity: model.Warning, Reason: model.Conflicted, Message: message,
	}
}
