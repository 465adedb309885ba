package status

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/coastwise/coastwise/translate/model"
)

// Bounds of what stands in a condition, in bytes; the API allows 32768 for a message.
const (
	maxLines   = 16
	maxLine    = 1024
	maxMessage = 20000
)

// list is "FIELD: message" for each Problem, one a line; of very many the first, and
// how many more there are.
func list(problems []model.Problem) string {
	lines := make([]string, 0, min(len(problems), maxLines)+1)
	for i, p := range problems {
		if i == maxLines {
			lines = append(lines, fmt.Sprintf("and %d more", len(problems)-maxLines))
			break
		}
		lines = append(lines, line(p))
	}
	return strings.Join(lines, "\n")
}

func line(p model.Problem) string {
	if p.Field == "" || p.Reason == model.ProxyRejected || p.Reason == model.BuildFailed {
		return clip(p.Message, maxLine) // their field is the whole spec: not what is wrong
	}
	return clip(p.Field+": "+p.Message, maxLine)
}

// clip shortens a text to so many bytes, between characters, and mends what is no
// UTF-8: the words may be a client's.
func clip(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s
	}
	const more = "…"
	cut := limit - len(more)
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + more
}
