package translate

import (
	"slices"
	"testing"

	"github.com/coastwise/coastwise/translate/model"
)

// Who wins a port hangs on no order of the services.
func TestListenersInAnyOrder(t *testing.T) {
	of := func(namespace, name string, created int64, at ...uint32) *model.Service {
		s := &model.Service{Key: model.ServiceKey(namespace, name), Name: name, Created: created}
		s.Object = model.ObjectRef{Kind: "Service", Namespace: namespace, Name: name}
		for _, a := range at {
			s.Listens = append(s.Listens, model.Listen{At: a, Port: 80})
		}
		return s
	}
	services := []*model.Service{of("a", "x", 2, 1, 2), of("b", "a", 1, 2), of("b", "b", 1, 2, 3), of("a", "z", 1, 3)}
	for range len(services) {
		services = append(services[1:], services[0])
		for _, list := range [][]*model.Service{services, reversed(services)} {
			won, lost := Listeners(list)
			var got []string
			for _, e := range won {
				got = append(got, e.ListenerName()+" "+e.Service.Object.String())
			}
			if want := []string{"listen|1 Service a/x", "listen|2 Service b/a", "listen|3 Service a/z"}; !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
			if len(lost) != 3 || lost[0].Object.Name != "x" || lost[1].Object.Name != "b" || lost[2].Object.Name != "b" {
				t.Errorf("%+v", lost)
			}
		}
	}
}

func reversed(services []*model.Service) []*model.Service {
	out := slices.Clone(services)
	slices.Reverse(out)
	return out
}
