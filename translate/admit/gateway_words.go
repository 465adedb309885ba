package admit

import (
	"regexp"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// term is what a string of the Gateway API must be: what its CRDs say.
type term struct {
	pattern *regexp.Regexp // nil is any
	most    int            // characters
	what    string
}

const (
	dnsPattern   = `[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*`
	labelPattern = `[a-z0-9]([-a-z0-9]*[a-z0-9])?`
)

var (
	aName       = term{nil, 253, "the name of an object"}
	aNamespace  = term{regexp.MustCompile(`^` + labelPattern + `$`), 63, "a namespace: " + isLabel}
	aSection    = term{regexp.MustCompile(`^` + dnsPattern + `$`), 253, "a name: " + isSubdomain}
	aGroup      = term{regexp.MustCompile(`^` + dnsPattern + `$`), 253, "a group: " + isSubdomain + `; "" is that of Services`}
	aKind       = term{regexp.MustCompile(`^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$`), 63, `a kind: letters, digits and "-", a letter first`}
	aHost       = term{regexp.MustCompile(`^(\*\.)?` + dnsPattern + `$`), 253, `a host name in lower case, perhaps after "*."`}
	aPreciseOne = term{regexp.MustCompile(`^` + dnsPattern + `$`), 253, "a host name in lower case"}
	aProtocol   = term{
		regexp.MustCompile(`^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$|^` + dnsPattern + `/[A-Za-z0-9]+$`), 255,
		"a protocol: letters, digits and \"-\", perhaps after a domain and \"/\"",
	}
	aController = term{
		regexp.MustCompile(`^` + dnsPattern + `/[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$`), 253,
		`the name of a controller: a domain, "/" and a path`,
	}
	anAddressType = term{
		regexp.MustCompile(`^Hostname$|^IPAddress$|^NamedAddress$|^` + dnsPattern + `/[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$`), 253,
		`a type of address: IPAddress, Hostname, or a domain, "/" and a path`,
	}
	aHeader   = term{regexp.MustCompile("^[A-Za-z0-9!#$%&'*+\\-.^_`|~]+$"), 256, "the name of a header or parameter: letters, digits and !#$%&'*+-.^_`|~"}
	aValue    = term{nil, 4096, "a value"}
	aQuery    = term{nil, 1024, "a value"}
	aPath     = term{nil, 1024, "a path"}
	aDuration = term{
		regexp.MustCompile(`^([0-9]{1,5}(h|m|s|ms)){1,4}$`), 32,
		`a duration of the Gateway API: whole numbers of at most 5 digits with the units h, m, s or ms, such as "1m30s"`,
	}
	aGRPCService = term{regexp.MustCompile(`^(?i)\.?[a-z_][a-z_0-9]*(\.[a-z_][a-z_0-9]*)*$`), 1024, `the name of a gRPC service: letters, digits, "_" and "."`}
	aGRPCMethod  = term{regexp.MustCompile(`^[A-Za-z_][A-Za-z_0-9]*$`), 1024, `the name of a gRPC method: letters, digits and "_"`}
	// pathWords are those of which a path consists that is not a regular expression.
	pathWords = regexp.MustCompile(`^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$`)
)

// word checks a string that must be there.
func (r *report) word(p path, s string, w term) {
	if s == "" {
		r.invalid(p, "is missing; write %s", w.what)
		return
	}
	r.length(p, s, w.most)
	if w.pattern != nil && !w.pattern.MatchString(s) {
		r.invalid(p, "%q is not %s", clip(s), w.what)
	}
}

// wordPointer checks one that may be absent.
func wordPointer[S ~string](r *report, p path, s *S, w term) {
	if s != nil {
		r.word(p, string(*s), w)
	}
}

// group checks a group, of which "" is one.
func (r *report) group(p path, g *gatewayv1.Group) {
	if g != nil && *g != "" {
		r.word(p, string(*g), aGroup)
	}
}

// list says whether a list has as many entries as may be.
func (r *report) list(p path, n, least, most int) bool {
	if n < least {
		r.invalid(p, "is empty; write at least one entry")
	}
	return r.atMost(p, n, most)
}

// each checks a list: how long it is and, where it is not too long, its entries.
func each[T any](r *report, p path, entries []T, least, most int, check func(p path, entry *T)) {
	if !r.list(p, len(entries), least, most) {
		return
	}
	for i := range entries {
		check(p.index(i), &entries[i])
	}
}

// gatewayDuration checks one that may be absent, and returns its length.
func (r *report) gatewayDuration(p path, d *gatewayv1.Duration) (length time.Duration, ok bool) {
	if d == nil {
		return 0, false
	}
	r.word(p, string(*d), aDuration)
	length, err := time.ParseDuration(string(*d))
	return length, err == nil
}
