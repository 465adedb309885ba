package xds

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/coastwise/coastwise/translate/envoy"
)

// TestMissingNamesComeAndGo: names that do not exist, subscribed and dropped
// over and over under a wildcard that is never acknowledged, are bounded too.
func TestMissingNamesComeAndGo(t *testing.T) {
	w := newWorld()
	w.set(envoy.ClusterType, "a", "1")
	s := NewStream("", w, DefaultLimits())
	first := s.Step(Event{Request: &Request{TypeURL: envoy.ClusterType, Subscribe: []string{"*"}}})
	if len(first.Responses) != 1 {
		t.Fatal(first)
	}
	var err error
	for round := 0; round < 10 && err == nil; round++ {
		var names []string
		for i := range DefaultLimits().Missing / 2 {
			names = append(names, fmt.Sprintf("missing-%d-%d", round, i))
		}
		if err = s.Step(Event{Request: &Request{TypeURL: envoy.ClusterType, Subscribe: names}}).Err; err == nil {
			err = s.Step(Event{Request: &Request{TypeURL: envoy.ClusterType, Unsubscribe: names}}).Err
		}
	}
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("%d names are remembered, and the stream goes on: %v", len(s.clusters.slots), err)
	}
}

// TestMissingNamesAreFreed: once a client has heard that dropped names are gone
// they no longer count, so that an honest one may go on for ever.
func TestMissingNamesAreFreed(t *testing.T) {
	s := NewStream("", newWorld(), DefaultLimits())
	step := func(r Request) {
		t.Helper()
		r.TypeURL = envoy.ClusterType
		result := s.Step(Event{Request: &r})
		for result.Err == nil && len(result.Responses) > 0 {
			result = s.Step(Event{Request: &Request{TypeURL: envoy.ClusterType, Nonce: result.Responses[0].Nonce}})
		}
		if result.Err != nil {
			t.Fatal(result.Err)
		}
	}
	step(Request{Subscribe: []string{"*"}})
	for round := range 5 {
		var names []string
		for i := range DefaultLimits().Missing {
			names = append(names, fmt.Sprintf("missing-%d-%d", round, i))
		}
		step(Request{Subscribe: names})
		step(Request{Unsubscribe: names})
	}
	if len(s.clusters.slots) != 0 || s.clusters.ghosts != 0 {
		t.Errorf("%d slots, %d missing", len(s.clusters.slots), s.clusters.ghosts)
	}
}

// TestLongWords: what a client's words cost is bounded wherever they are kept.
func TestLongWords(t *testing.T) {
	long := strings.Repeat("x", DefaultLimits().NameBytes+1)
	for name, r := range map[string]Request{
		"type":            {TypeURL: long},
		"initial version": {TypeURL: envoy.EndpointType, Initial: map[string]string{"a": long}},
	} {
		err := NewStream("", newWorld(), DefaultLimits()).Step(Event{Request: &r}).Err
		if status.Code(err) != codes.InvalidArgument || len(err.Error()) > 200 {
			t.Errorf("%s: %.300v", name, err)
		}
	}
}

// TestBigClaims: claims are refused if they are large, and what is said of wrong
// ones stays short.
func TestBigClaims(t *testing.T) {
	labels := map[string]any{}
	for i := range 3000 {
		labels[fmt.Sprintf("!bad%d", i)] = "v"
	}
	bad := map[string]any{"labels": labels}
	big := maps.Clone(bad)
	big["scope"] = strings.Repeat("default/s,", maxClaims/10)
	for name, n := range map[string]*corev3.Node{
		"region": {Id: "default/a", Locality: &corev3.Locality{Region: strings.Repeat("r", maxClaims)}},
		"labels": {Id: "default/a", Metadata: claimsOf(t, bad)},
		"scope":  {Id: "default/a", Metadata: claimsOf(t, big)},
	} {
		_, err := identify(n)
		if status.Code(err) != codes.InvalidArgument || len(err.Error()) > 4<<10 {
			t.Errorf("%s: %d bytes: %.300v", name, len(fmt.Sprint(err)), err)
		}
	}
}

func claimsOf(t *testing.T, claims map[string]any) *structpb.Struct {
	t.Helper()
	s, err := structpb.NewStruct(map[string]any{envoy.MetadataKey: claims})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSilentStream: a stream without a request ends.
func TestSilentStream(t *testing.T) {
	r := newRig(t, func(l *ServerLimits) { l.FirstRequest = 10 * time.Millisecond })
	r.open().ends(codes.DeadlineExceeded, "no request")
}

// TestRefusalsAreLoggedSparsely: a client that refuses everything fills no log.
func TestRefusalsAreLoggedSparsely(t *testing.T) {
	var out bytes.Buffer
	p := &proxy{log: slog.New(slog.NewTextHandler(io.Writer(&out), nil))}
	now := time.Unix(1000, 0)
	for range 100 {
		p.logRefusal(Refusal{TypeURL: envoy.ClusterType, Name: "a", Message: "no"}, now)
	}
	p.logRefusal(Refusal{TypeURL: envoy.ClusterType, Name: "b", Message: "no"}, now.Add(time.Second))
	if lines := strings.Count(out.String(), "\n"); lines != 2 || !strings.Contains(out.String(), "not_logged_before=99") {
		t.Errorf("%d lines:\n%s", lines, out.String())
	}
}
