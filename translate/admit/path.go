package admit

import (
	"strconv"
	"strings"
)

// path is where a value stands in an object: spec.subsets[0].labels[app].
type path string

// child goes down by names: spec + trafficPolicy + tls.
func (p path) child(names ...string) path {
	all := strings.Join(names, ".")
	if p == "" {
		return path(all)
	}
	return p + "." + path(all)
}

// index goes to one entry of a list.
func (p path) index(i int) path { return p + path("["+strconv.Itoa(i)+"]") }

// key goes to one entry of a map whose keys the user chose.
func (p path) key(k string) path { return p + path("["+k+"]") }

// holds says whether q is p or stands inside it.
func (p path) holds(q path) bool {
	rest, ok := strings.CutPrefix(string(q), string(p))
	return ok && (p == "" || rest == "" || rest[0] == '.' || rest[0] == '[')
}
