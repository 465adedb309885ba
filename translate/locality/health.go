package locality

import "github.com/coastwise/coastwise/translate/model"

// judge applies the table of semantics 7 to all that is in: who is sent, and as
// healthy or not. keepUnready keeps unready endpoints in their place. It says
// whether anything is ready among what the constraints left.
func judge(cs []candidate, keepUnready bool) (anyReady bool) {
	for i := range cs {
		anyReady = anyReady || cs[i].in() && cs[i].State == model.Ready
	}
	for i := range cs {
		if c := &cs[i]; c.in() {
			c.out = unsent(c.State, anyReady, keepUnready)
			c.healthy = c.State != model.Unready
		}
	}
	return anyReady
}

// unsent says why an endpoint in this state is not sent; "" if it is.
func unsent(s model.State, anyReady, keepUnready bool) string {
	switch {
	case s == model.Ready, s == model.Serving && !anyReady, s == model.Unready && keepUnready:
		return ""
	case s == model.Unready:
		return NotReady
	case s == model.NeverReady:
		return WasNeverReady
	case s == model.Behind:
		return SliceBehind
	default: // Serving beside a ready one, Terminating
		return IsTerminating
	}
}
