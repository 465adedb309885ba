package admit

import "strings"

// maxHTTPWord is enough for any name; a longer one is a mistake.
const maxHTTPWord = 256

// headerName is a token, or one of HTTP/2's own, such as :authority.
func (r *report) headerName(p path, s string) {
	r.token(p, strings.TrimPrefix(s, ":"))
}

// token is a name in HTTP (RFC 9110, 5.6.2): what stands in no token would spoil
// the routes of every service beside this one.
func (r *report) token(p path, s string) {
	switch {
	case s == "":
		r.invalid(p, "is empty; write a name")
	case len(s) > maxHTTPWord || strings.ContainsFunc(s, notInToken):
		r.invalid(p, "%q is no name in HTTP: at most %d letters, digits and any of !#$%%&'*+-.^_`|~", clip(s), maxHTTPWord)
	}
}

func notInToken(c rune) bool {
	letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
	return !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", c)
}

// printable is visible ASCII and blanks, without any of forbidden.
func (r *report) printable(p path, s, forbidden string) {
	bad := func(c rune) bool { return c < ' ' || c > '~' || strings.ContainsRune(forbidden, c) }
	if len(s) > maxHTTPWord || strings.ContainsFunc(s, bad) {
		r.invalid(p, "%q is not allowed: at most %d printable ASCII characters%s", clip(s), maxHTTPWord, without(forbidden))
	}
}

func without(forbidden string) string {
	if forbidden == "" {
		return ""
	}
	return ", none of them " + forbidden
}
