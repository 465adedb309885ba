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
			c.out, c.healthy = verdict(c.State, anyReady, keepUnready)
		}
	}
	return anyReady
}

func verdict(s model.State, anyReady, keepUnready bool) (out string, healthy bool) {
	switch {
	case s == model.Ready:
		return "", true
	case s == model.Serving && !anyReady:
		return "", true
	case s == model.Unready && keepUnready:
		return "", false
	case s == model.Unready:
		return NotReady, false
	case s == model.NeverReady:
		return WasNeverReady, false
	default: // Serving beside a ready one, Terminating
		return IsTerminating, false
	}
}
