package observe

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// clusterHeader names the cluster that a request by the second listener goes to.
const clusterHeader = "X-Cluster"

// Request is one request of a client.
type Request struct {
	// Path is "/" if empty.
	Path string
	// Headers are NAME: VALUE.
	Headers []string
	// Host is the Service's name with its namespace if empty.
	Host string
	// Subset asks for that subset's cluster of port 80.
	Subset string
	// HTTP2 has the client speak HTTP/2.
	HTTP2 bool
	// Limit is how long the client waits; 0 is a minute.
	Limit time.Duration
}

// Answer is what came of a request. Err means that nothing came.
type Answer struct {
	Status                                              int
	Endpoint, Zone, Connection, Proto, SNI, Peer, Begin string
	Header                                              http.Header
	Err                                                 error
}

func newHTTP() *http.Client { return &http.Client{Transport: transport(false)} }

// transport is a client's own connections, over one version of HTTP.
func transport(http2 bool) *http.Transport {
	protocols := &http.Protocols{}
	protocols.SetHTTP1(!http2)
	protocols.SetUnencryptedHTTP2(http2)
	return &http.Transport{Protocols: protocols, DisableCompression: true, MaxIdleConnsPerHost: 64}
}

// ask sends one request and waits for the answer.
func (s *Site) ask(r Request) Answer {
	limit := r.Limit
	if limit == 0 {
		limit = time.Minute
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	flags := s.world.flags[s.Client]
	at := flags.Proxy()
	if r.Subset != "" {
		at = fmt.Sprintf("%s:%d", flags.Bind, flags.HTTPProxyPort+1)
	}
	path := r.Path
	if path == "" {
		path = "/"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at+path, nil)
	if err != nil {
		return Answer{Err: err}
	}
	if req.Host = s.filled(r.Host); r.Host == "" {
		req.Host = s.name + "." + s.namespace()
	}
	if r.Subset != "" {
		req.Header.Set(clusterHeader, s.cluster(r.Subset))
	}
	for _, h := range r.Headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	client := s.http
	if r.HTTP2 {
		client = &http.Client{Transport: transport(true)}
		defer client.CloseIdleConnections()
	}
	return answerOf(client.Do(req))
}

func answerOf(resp *http.Response, err error) Answer {
	if err != nil {
		return Answer{Err: err}
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	h := resp.Header
	return Answer{
		Status: resp.StatusCode, Endpoint: h.Get(endpointHeader), Zone: h.Get(zoneHeader), Connection: h.Get(connectionHeader),
		Proto: h.Get(protoHeader), SNI: h.Get(sniHeader), Peer: h.Get(peerHeader), Begin: h.Get(beginHeader), Header: h, Err: err,
	}
}

// cluster is the name of the site's cluster of port 80.
func (s *Site) cluster(subset string) string {
	return fmt.Sprintf("outbound|80|%s|%s.%s.svc.cluster.local", subset, s.name, s.namespace())
}

// inTurn asks n times, one after another.
func (s *Site) inTurn(n int, r Request) []Answer {
	out := make([]Answer, n)
	for i := range out {
		out[i] = s.ask(r)
	}
	return out
}

// atOnce asks n times at the same time.
func (s *Site) atOnce(n int, r Request) []Answer {
	out := make([]Answer, n)
	var wg sync.WaitGroup
	for i := range out {
		wg.Go(func() { out[i] = s.ask(r) })
	}
	wg.Wait()
	return out
}

// distinct are the different values of something of answers, sorted.
func distinct(answers []Answer, of func(Answer) string) []string {
	var out []string
	for _, a := range answers {
		out = append(out, of(a))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func connectionOf(a Answer) string { return a.Connection }
func endpointOf(a Answer) string   { return a.Endpoint }

// statusOf is the status, or that there was no answer.
func statusOf(a Answer) string {
	if a.Err != nil {
		return "no answer"
	}
	return strconv.Itoa(a.Status)
}

// zoneOf is the zone that answered, or the status if none did.
func zoneOf(a Answer) string {
	if a.Zone == "" {
		return statusOf(a)
	}
	return a.Zone
}

// share is how many percent of the answers came from a zone's backends.
func share(answers []Answer, zone string) float64 {
	n := 0
	for _, a := range answers {
		if a.Zone == zone {
			n++
		}
	}
	return 100 * float64(n) / float64(len(answers))
}

// stat is a counter or gauge of the site's cluster in Envoy: what follows
// cluster.default/NAME/80.
func (s *Site) stat(name string) (int, error) {
	prefix := "cluster." + s.namespace() + "/" + s.name + "/80." + name + ": "
	body, err := s.world.envoys[s.Client].Get(context.Background(), "/stats?filter="+s.name+"/80."+name)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(body)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), prefix); ok {
			return strconv.Atoi(value)
		}
	}
	return 0, fmt.Errorf("Envoy has no %s", prefix)
}

// within says whether ok became true in time; it asks every 20 ms.
func within(limit time.Duration, ok func() bool) bool {
	for deadline := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		if ok() {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}
