package ads

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/types/known/anypb"
)

// Server serves fixed resources by state of the world and writes down what
// clients say to them. Clusters and listeners come as full sets, everything else
// one resource a response, so an answer to it is an answer to that resource.
type Server struct {
	discoveryv3.UnimplementedAggregatedDiscoveryServiceServer
	resources map[string]map[string]*anypb.Any

	mu      sync.Mutex
	answers map[string]map[string]string
}

// NewServer serves these resources and no other.
func NewServer(all Resources) (*Server, error) {
	s := &Server{resources: map[string]map[string]*anypb.Any{}, answers: map[string]map[string]string{}}
	for url, of := range all {
		s.resources[url], s.answers[url] = map[string]*anypb.Any{}, map[string]string{}
		for name, m := range of {
			packed, err := anypb.New(m)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			s.resources[url][name] = packed
		}
	}
	return s, nil
}

// Answers is what clients said to the resources of a type that they were sent, by
// name: "" where they were accepted, else the client's message.
func (s *Server) Answers(typeURL string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.answers[typeURL])
}

func (s *Server) answered(typeURL string, names []string, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		if s.answers[typeURL][name] == "" { // what was refused once stays so
			s.answers[typeURL][name] = message
		}
	}
}

// book is what one stream was sent.
type book struct {
	stream discoveryv3.AggregatedDiscoveryService_StreamAggregatedResourcesServer
	// sent are the names of a type; flights those of a response that waits for its answer.
	sent    map[string]map[string]bool
	flights map[string][]string
	nonce   int
}

// StreamAggregatedResources implements the service.
func (s *Server) StreamAggregatedResources(stream discoveryv3.AggregatedDiscoveryService_StreamAggregatedResourcesServer) error {
	b := &book{stream: stream, sent: map[string]map[string]bool{}, flights: map[string][]string{}}
	// What the client says is read while we send: a client may do the same and
	// wait for us.
	requests := make(chan *discoveryv3.DiscoveryRequest, 10000)
	ended := make(chan error, 1)
	go func() {
		for {
			r, err := stream.Recv()
			if err != nil {
				ended <- err
				return
			}
			requests <- r
		}
	}()
	for {
		select {
		case err := <-ended:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		case r := <-requests:
			if err := s.hear(b, r); err != nil {
				return err
			}
		}
	}
}

// hear takes one request.
func (s *Server) hear(b *book, r *discoveryv3.DiscoveryRequest) error {
	if names, ok := b.flights[r.ResponseNonce]; ok {
		delete(b.flights, r.ResponseNonce)
		message := r.GetErrorDetail().GetMessage()
		if r.ErrorDetail != nil && message == "" {
			message = "refused without a word"
		}
		s.answered(r.TypeUrl, names, message)
	}
	return s.respond(b, r.TypeUrl, r.ResourceNames)
}

// respond sends what is asked for and was not sent.
func (s *Server) respond(b *book, typeURL string, names []string) error {
	if b.sent[typeURL] == nil {
		b.sent[typeURL] = map[string]bool{}
	}
	var there, news []string
	for _, name := range slices.Sorted(slices.Values(names)) {
		if s.resources[typeURL][name] == nil {
			continue
		}
		there = append(there, name)
		if !b.sent[typeURL][name] {
			news = append(news, name)
			b.sent[typeURL][name] = true
		}
	}
	if len(news) == 0 {
		return nil
	}
	if typeURL == Cluster || typeURL == Listener {
		return s.send(b, typeURL, there)
	}
	for _, name := range news {
		if err := s.send(b, typeURL, []string{name}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) send(b *book, typeURL string, names []string) error {
	b.nonce++
	r := &discoveryv3.DiscoveryResponse{TypeUrl: typeURL, VersionInfo: "1", Nonce: fmt.Sprint(b.nonce)}
	for _, name := range names {
		r.Resources = append(r.Resources, s.resources[typeURL][name])
	}
	b.flights[r.Nonce] = names
	return b.stream.Send(r)
}
