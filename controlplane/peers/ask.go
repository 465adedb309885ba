package peers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	// maxAnswer bounds an answer in bytes, decompressed: 50,000 proxies have 40 MB.
	maxAnswer = 64 << 20
	// maxTold bounds what is quoted of an answer that is an error.
	maxTold = 256
	// askTimeout bounds a question about proxies.
	askTimeout = 3 * time.Second
)

// follow keeps one long poll on a replica until ctx ends.
func (p *Pool) follow(ctx context.Context, m Member, is *peer) {
	etag, pause, told := "", p.times.pause, ""
	for ctx.Err() == nil {
		began := time.Now()
		var err error
		if etag, err = p.poll(ctx, m, is, etag); err == nil {
			pause, told = p.times.pause, ""
		} else {
			pause = min(2*pause, p.times.maxPause)
			if message := err.Error(); ctx.Err() == nil && message != told {
				p.config.Log.Warn("another replica does not answer", "replica", m.Name, "address", m.Address, "err", err)
				told = message
			}
		}
		sleep(ctx, jittered(pause)-time.Since(began))
	}
}

// poll asks once, and notes what it heard. It returns the report's new ETag, ""
// after an error.
func (p *Pool) poll(ctx context.Context, m Member, is *peer, etag string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, p.times.wait+p.times.patience)
	defer cancel()
	query := url.Values{}
	if etag != "" {
		query = url.Values{"since": {etag}, "wait": {p.times.wait.String()}}
	}
	response, err := p.call(ctx, m, reportPath, query)
	if err != nil {
		return "", err
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	if etag != "" && response.StatusCode == http.StatusNotModified {
		p.note(is, nil)
		return etag, nil
	}
	body, err := read(response)
	if err != nil {
		return "", err
	}
	var r Report
	if err := json.Unmarshal(body, &r); err != nil {
		return "", err
	}
	if r.Replica != m.Name {
		return "", fmt.Errorf("%s answers as %q", m.Address, r.Replica)
	}
	p.note(is, &r)
	return strings.Trim(response.Header.Get("ETag"), `"`), nil
}

// note keeps what was heard: nil is the same as before.
func (p *Pool) note(is *peer, r *Report) {
	p.mu.Lock()
	defer p.mu.Unlock()
	is.heard = time.Now()
	if r != nil {
		is.report = *r
	}
}

func (p *Pool) call(ctx context.Context, m Member, path string, query url.Values) (*http.Response, error) {
	at := url.URL{Scheme: "https", Host: m.Address, Path: path, RawQuery: query.Encode()}
	if p.config.TLS == nil {
		at.Scheme = "http"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	if p.config.Token != nil && (p.config.TLS != nil || local(m.Address)) {
		token, err := p.config.Token()
		if err != nil {
			return nil, fmt.Errorf("token: %w", err)
		}
		if token != "" {
			request.Header.Set("Authorization", "Bearer "+token)
		}
	}
	return p.http.Do(request)
}

// local says that nobody but this machine sees what is sent to an address.
func local(address string) bool {
	at, err := netip.ParseAddrPort(address)
	return err == nil && at.Addr().IsLoopback()
}

// read is the body of an answer that is 200 and not too long.
func read(r *http.Response) ([]byte, error) {
	if r.StatusCode != http.StatusOK {
		told, _ := io.ReadAll(io.LimitReader(r.Body, maxTold)) // as far as it comes
		return nil, fmt.Errorf("answered %s: %q", r.Status, strings.TrimSpace(string(told)))
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	return body, err
}

// Answer is what one replica says about its proxies, as JSON, or why it says nothing.
type Answer struct {
	Replica string
	Body    []byte
	Err     error
}

// Proxies asks all other replicas at once who is connected to them, also if this
// one does not lead; by name.
func (p *Pool) Proxies(ctx context.Context) []Answer {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	members := p.config.Members()
	out := make([]Answer, len(members))
	var asking sync.WaitGroup
	for i, m := range members {
		asking.Go(func() {
			body, err := p.ask(ctx, m)
			out[i] = Answer{Replica: m.Name, Body: body, Err: err}
		})
	}
	asking.Wait()
	return out
}

func (p *Pool) ask(ctx context.Context, m Member) ([]byte, error) {
	response, err := p.call(ctx, m, proxiesPath, nil)
	if err != nil {
		if inner := (*url.Error)(nil); errors.As(err, &inner) {
			err = inner.Err // its address means nothing to who asks
		}
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	return read(response)
}

// jittered is d, or up to a quarter less.
func jittered(d time.Duration) time.Duration { return d - rand.N(d/4+1) }

// sleep returns after d or at the end of ctx.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
