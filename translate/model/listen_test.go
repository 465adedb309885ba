package model

import (
	"slices"
	"strings"
	"testing"
)

func TestParseListen(t *testing.T) {
	for _, tt := range []struct {
		text string
		want []ListenItem
		err  string
	}{
		{text: ""},
		{text: " "},
		{"http=18080", []ListenItem{{"http", 18080}}, ""},
		{" http = 18080 , 5432=65535,http=1", []ListenItem{{"http", 18080}, {"5432", 65535}, {"http", 1}}, ""},
		{"http=0,db=1", []ListenItem{{"db", 1}}, `"0" is no listener port`},
		{"http=65536", nil, `"65536" is no listener port`},
		{"http=-1", nil, `"-1" is no listener port`},
		{"http=1=2", nil, `"1=2" is no listener port`},
		{"http", nil, `"http" is not PORT=LISTENERPORT`},
		{"a=1,", []ListenItem{{"a", 1}}, `"" is not PORT=LISTENERPORT`},
		{"=1", nil, `"=1" is not PORT=LISTENERPORT`},
		{"a=1,b=01", []ListenItem{{"a", 1}}, "listener port 1 stands twice"},
	} {
		got, err := ParseListen(tt.text)
		if !slices.Equal(got, tt.want) || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%q: %v, %v; want %v, %q", tt.text, got, err, tt.want, tt.err)
		}
	}
}
