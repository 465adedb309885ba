package xds

import (
	"encoding/json"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/coastwise/coastwise/translate/envoy"
)

// TypeInfo is one type of resource on one stream, counted in names.
type TypeInfo struct {
	Type string `json:"type"`
	// Subscribed is how many names the stream follows, by wildcard or by name.
	Subscribed int `json:"subscribed"`
	// Sent is how many it was sent, Acked how many it holds, Refused how many it
	// refuses as they are now.
	Sent    int `json:"sent"`
	Acked   int `json:"acked"`
	Refused int `json:"refused"`
	// Bytes is the sum of all bodies sent on this stream.
	Bytes uint64 `json:"bytes"`
	// Synced says that nothing is unsent, unanswered or refused.
	Synced bool `json:"synced"`
}

// TypeDump is all that is known of one type on one stream, by name.
type TypeDump struct {
	Type      string         `json:"type"`
	Resources []ResourceDump `json:"resources"`
}

// ResourceDump is one resource as the client has it. A version is empty if there
// is none; Acked is "?" if the client may hold several.
type ResourceDump struct {
	Name    string `json:"name"`
	Sent    string `json:"sent,omitempty"`
	Acked   string `json:"acked,omitempty"`
	Refused string `json:"refused,omitempty"`
	// Message is what the client said of the refused version.
	Message string `json:"message,omitempty"`
	// Resource is what it accepted, else what it was sent.
	Resource json.RawMessage `json:"resource,omitempty"`
}

// Summary counts, for each type that the client asked for, in the order of sending.
func (s *Stream) Summary() []TypeInfo {
	out := []TypeInfo{}
	for _, t := range s.types {
		if !t.asked {
			continue
		}
		info := TypeInfo{Type: ShortType(t.url), Bytes: t.bytes, Synced: t.idle() && !t.has(removals)}
		for _, sl := range t.slots {
			info.Subscribed += one(sl.named || t.wildcard != noWildcard)
			info.Sent += one(sl.sent != nil)
			info.Acked += one(sl.held != "")
			info.Refused += one(sl.stuck)
		}
		info.Synced = info.Synced && info.Refused == 0
		out = append(out, info)
	}
	return out
}

// Stuck is what the client refuses as it is now, by type and name, at most limit of them.
func (s *Stream) Stuck(proxyID string, limit int) []Refusal {
	var out []Refusal
	for _, t := range s.types {
		names := make([]string, 0, len(t.stuck))
		for sl := range t.stuck {
			names = append(names, sl.name)
		}
		for _, name := range sorted(names) {
			if sl := t.slots[name]; len(out) < limit && sl != nil && sl.refused != nil {
				out = append(out, Refusal{ProxyID: proxyID, TypeURL: t.url, Name: name, Version: sl.refused.version, Message: sl.refused.message})
			}
		}
	}
	return out
}

// Dump is everything that the client was sent and what it made of it. It costs
// as much as all that the client holds.
func (s *Stream) Dump() []TypeDump {
	out := []TypeDump{}
	for _, t := range s.types {
		if !t.asked {
			continue
		}
		d := TypeDump{Type: ShortType(t.url), Resources: []ResourceDump{}}
		for _, sl := range t.sorted() {
			d.Resources = append(d.Resources, sl.dump())
		}
		out = append(out, d)
	}
	return out
}

func (sl *slot) dump() ResourceDump {
	d := ResourceDump{Name: sl.name, Acked: sl.held}
	shown := sl.acked
	if sl.sent != nil {
		d.Sent = sl.sent.Version
		if shown == nil {
			shown = sl.sent
		}
	}
	if sl.refused != nil {
		d.Refused, d.Message = sl.refused.version, sl.refused.message
	}
	if shown != nil {
		d.Resource = asJSON(shown)
	}
	return d
}

// asJSON never fails: what cannot be shown is described.
func asJSON(r *envoy.Resource) json.RawMessage {
	m, err := (&anypb.Any{TypeUrl: r.TypeURL, Value: r.Body}).UnmarshalNew()
	if err == nil {
		var text []byte
		if text, err = protojson.Marshal(m); err == nil {
			return text
		}
	}
	text, _ := json.Marshal(fmt.Sprintf("%d bytes that cannot be shown: %v", len(r.Body), err)) // a string always marshals
	return text
}

// ShortType is the last part of a type URL, as metrics and people have it.
func ShortType(url string) string {
	return url[strings.LastIndexByte(url, '.')+1:]
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}
