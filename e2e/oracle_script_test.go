package e2e

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/coastwise/coastwise/e2e/ads"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// oracleSeed is the first of the seeds of TestAsGoControlPlane.
var oracleSeed = flag.Uint64("oracle.seed", 1, "the first seed of the scripts that ours and go-control-plane's server play")

// TestAsGoControlPlane leads a client of ours and one of go-control-plane's server
// through the same random script: subscriptions, refusals, reconnects with the
// versions held, and changes of the mesh. After each step both must hold what a
// third opinion says, and ours must have sent no more than the protocol asks for
// beyond what theirs sent. Where their server is known to be wrong the test of
// expected differences speaks (reference/xds.md 1.4).
func TestAsGoControlPlane(t *testing.T) {
	for _, c := range []struct {
		name           string
		whole, refuses bool
	}{
		{"delta", false, false},
		{"delta with refusals", false, true},
		{"state of the world", true, false},
	} {
		for seed := range uint64(2) {
			seed += *oracleSeed
			t.Run(fmt.Sprintf("%s, -oracle.seed %d", c.name, seed), func(t *testing.T) {
				t.Parallel()
				newOracleScript(t, seed, c.whole, c.refuses).run()
			})
		}
	}
}

// run takes 45 steps and stops at the first that differs.
func (s *oracleScript) run() {
	for n := range 45 {
		if s.step(n); s.t.Failed() {
			s.t.Logf("the script:\n%s", strings.Join(s.log, "\n"))
			return
		}
	}
	if s.bodies[0] < 15 {
		s.t.Errorf("the script made only %d bodies travel", s.bodies[0])
	}
}

// pool is how many services the script knows; the last never exists.
const pool = 5

// oracleScript is one random script and what it should lead to.
type oracleScript struct {
	*pair
	r       *rand.Rand
	whole   bool
	refuses bool
	clients [2]*ads.Client // ours, theirs
	// layouts are the services by number: "" for one that is not there.
	layouts [pool]string
	// expect is what a client should hold, by type and name.
	expect map[string]map[string]string
	// allowed is how many more bodies of a resource ours may send: those that the
	// protocol asks for and their server keeps back.
	allowed map[string]int
	seen    [2]map[string]int
	heard   [2]int
	bodies  [2]int
	log     []string
}

func newOracleScript(t *testing.T, seed uint64, whole, refuses bool) *oracleScript {
	s := &oracleScript{
		pair: newPair(t), r: rand.New(rand.NewPCG(seed, 8)), whole: whole, refuses: refuses,
		expect: map[string]map[string]string{}, allowed: map[string]int{}, seen: [2]map[string]int{{}, {}},
	}
	for _, url := range ads.Types {
		s.expect[url] = map[string]string{}
	}
	for n := range 3 {
		s.draw(n)
	}
	s.change()
	s.clients = [2]*ads.Client{s.client(s.ours, whole), s.client(s.theirs, whole)}
	for _, c := range s.clients {
		c.Refuse = s.refuse
	}
	return s
}

// refuse refuses some contents of clusters and endpoints: the same from both.
func (s *oracleScript) refuse(url, _, body string) bool {
	return s.refuses && (url == ads.Cluster || url == ads.Endpoint) && digest(body)[0] < 50
}

func digest(text string) [32]byte { return sha256.Sum256([]byte(text)) }

// draw writes a service with a random layout and rule; it may be the same again.
func (s *oracleScript) draw(n int) {
	name := fmt.Sprintf("s%d", n)
	layout := [3]layoutOf{{1 + s.r.IntN(2), s.r.IntN(2)}, {s.r.IntN(3), 0}}
	rule := []string{"", "{enabled: true}", "{enabled: true, failoverThreshold: 50}"}[s.r.IntN(3)]
	text := s.predictCase(name, layout, "", "", false)
	if n == 0 && s.r.IntN(2) == 0 {
		text = strings.Replace(text, "  name: s0\n", "  name: s0\n  annotations: {networking.coastwise.dev/listen: http=18080}\n", 1)
	}
	if rule != "" {
		policy := fmt.Sprintf("{loadBalancer: {simple: %s, localityLbSetting: %s}}", []string{"RANDOM", "ROUND_ROBIN"}[s.r.IntN(2)], rule)
		text = manifest.Join(text, manifest.Rule("default", name, name, policy))
	}
	s.layouts[n] = text
	s.write(name+".yaml", text)
}

func cluster(n int) string { return fmt.Sprintf("outbound|80||s%d.default.svc.cluster.local", n) }

// namesOf are the names that may be asked for, some of which are not there.
func (s *oracleScript) namesOf(url string) []string {
	switch url {
	case ads.Listener:
		return append(slices.Sorted(maps.Keys(s.now[url])), "listen|18080", "none")
	case ads.Route:
		return append(slices.Sorted(maps.Keys(s.now[url])), "none")
	}
	var out []string
	for n := range pool {
		out = append(out, cluster(n))
	}
	return out
}

// step does one thing to both and compares.
func (s *oracleScript) step(n int) {
	url := ads.Types[[]int{0, 0, 1, 1, 1, 2, 3}[s.r.IntN(7)]]
	switch k := s.r.IntN(10); {
	case k < 4:
		s.subscribe(url)
	case k < 6:
		s.unsubscribe(url)
	case k < 9:
		s.alter()
	default:
		s.reconnect()
	}
	s.settle(n)
}

func (s *oracleScript) note(format string, args ...any) {
	s.log = append(s.log, fmt.Sprintf(format, args...))
}

func (s *oracleScript) subscribe(url string) {
	names := s.namesOf(url)
	s.r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	names = slices.Compact(slices.Sorted(slices.Values(names[:1+s.r.IntN(2)])))
	if (url == ads.Cluster || url == ads.Listener) && s.r.IntN(4) == 0 {
		names = append(names, ads.Wildcard)
	}
	s.note("subscribe %s %q", short(url), names)
	for _, name := range names {
		if _, held := s.expect[url][name]; held {
			s.allowed[url+name]++ // rule 13
		}
		if url == ads.Cluster { // a cluster that comes has its endpoints behind it (rule 19)
			s.allowed[ads.Endpoint+name]++
		}
	}
	if slices.Contains(names, ads.Wildcard) {
		s.allowAll(ads.Endpoint)
		s.allowAll(ads.Route)
		s.allowAll(url)
	}
	if url == ads.Listener {
		s.allowAll(ads.Route)
	}
	for _, c := range s.clients {
		c.Subscribe(url, names...)
	}
	s.follow(url)
}

func (s *oracleScript) unsubscribe(url string) {
	wants := s.clients[0].Wants(url)
	if len(wants) == 0 {
		return
	}
	name := wants[s.r.IntN(len(wants))]
	s.note("unsubscribe %s %s", short(url), name)
	for _, c := range s.clients {
		c.Unsubscribe(url, name)
	}
	s.follow(url)
}

// alter changes one service, or two at once.
func (s *oracleScript) alter() {
	before, edits := s.now, 1+s.r.IntN(2)
	for range edits {
		n := s.r.IntN(pool - 1)
		if s.layouts[n] != "" && s.r.IntN(4) == 0 {
			s.layouts[n] = ""
			s.write(fmt.Sprintf("s%d.yaml", n), "")
			s.note("s%d goes", n)
			continue
		}
		s.draw(n)
		s.note("s%d is changed", n)
	}
	s.change()
	for range edits - 1 { // ours may publish each by itself, and there and back is two more
		for range 2 {
			s.allowAll(ads.Listener)
			s.allowAll(ads.Route)
		}
	}
	for name := range s.now[ads.Cluster] {
		if body(s.t, s.now, ads.Cluster, name) != body(s.t, before, ads.Cluster, name) {
			s.allowed[ads.Endpoint+name]++ // forced (reference/xds.md 4.2)
		}
	}
	for name := range s.now[ads.Listener] {
		if body(s.t, s.now, ads.Listener, name) != body(s.t, before, ads.Listener, name) {
			s.allowAll(ads.Route)
		}
	}
	for _, url := range ads.Types {
		s.follow(url)
	}
}

// reconnect: who asks for endpoints before clusters is sent all of them (3.4).
func (s *oracleScript) reconnect() {
	s.note("reconnect")
	if len(s.clients[0].Wants(ads.Cluster)) == 0 {
		s.allowAll(ads.Endpoint)
	}
	for i, conn := range []*grpc.ClientConn{s.ours, s.theirs} {
		if err := s.clients[i].Connect(conn); err != nil {
			s.t.Fatal(err)
		}
	}
	for _, url := range ads.Types {
		s.follow(url)
	}
}

func (s *oracleScript) allowAll(url string) {
	for name := range s.now[url] {
		s.allowed[url+name]++
	}
}

// follow is the third opinion: what a client holds of a type from here on.
func (s *oracleScript) follow(url string) {
	wants := s.clients[0].Wants(url)
	all := slices.Contains(wants, ads.Wildcard)
	set := url == ads.Cluster || url == ads.Listener
	for name := range s.expect[url] {
		if !slices.Contains(wants, name) && !all || s.now[url][name] == nil && (!s.whole || set) {
			delete(s.expect[url], name)
		}
	}
	for name := range s.now[url] {
		b := body(s.t, s.now, url, name)
		if (all || slices.Contains(wants, name)) && !s.refuse(url, name, b) {
			s.expect[url][name] = b
		}
	}
}

// settle waits until both hold what they should and ours has sent all that theirs
// has, and fails if ours then sends more than it may.
func (s *oracleScript) settle(n int) {
	s.t.Helper()
	behind := func() string {
		for i, c := range s.clients {
			s.listen(i)
			if err := c.Err(); err != nil {
				return fmt.Sprintf("%s ended the stream: %v", side(i), err)
			}
			if m := s.differs(c); m != "" {
				return side(i) + ": " + m
			}
		}
		return s.uncounted(func(ours, theirs, _ int) bool { return ours < theirs })
	}
	for deadline := time.Now().Add(withoutStall); ; time.Sleep(5 * time.Millisecond) {
		m := behind()
		if m == "" {
			time.Sleep(quiet) // what comes late
			m = behind()
		}
		if m == "" {
			break
		}
		if time.Now().After(deadline) {
			s.t.Errorf("step %d: %s", n, m)
			break
		}
	}
	if m := s.uncounted(func(ours, theirs, allowed int) bool { return ours > theirs+allowed }); m != "" {
		s.t.Errorf("step %d: %s", n, m)
	}
}

// listen counts what a client has heard since.
func (s *oracleScript) listen(i int) {
	heard := s.clients[i].Heard()
	for _, h := range heard[s.heard[i]:] {
		s.note("    %s heard %s %q", side(i), short(h.Type), h.Names)
		for _, name := range h.Names {
			s.seen[i][h.Type+name]++
			s.bodies[i]++
		}
	}
	s.heard[i] = len(heard)
}

// uncounted finds a resource whose bodies so far are wrong. Of clusters and
// listeners in a state of the world every response has the full set, so only
// their end state is compared; so are scripts with refusals, after which theirs
// repeats what is held.
func (s *oracleScript) uncounted(wrong func(ours, theirs, allowed int) bool) string {
	if s.refuses {
		return ""
	}
	for _, url := range ads.Types {
		if s.whole && (url == ads.Cluster || url == ads.Listener) {
			continue
		}
		for name := range s.names {
			ours, theirs, allowed := s.seen[0][name], s.seen[1][name], s.allowed[name]
			if strings.HasPrefix(name, url) && wrong(ours, theirs, allowed) {
				return fmt.Sprintf("%s was sent %d times by ours, %d times by theirs; %d more would do", name, ours, theirs, allowed)
			}
		}
	}
	return ""
}

// differs says in what a client differs from the third opinion.
func (s *oracleScript) differs(c *ads.Client) string {
	for _, url := range ads.Types {
		held := c.Held(url)
		for _, name := range slices.Sorted(maps.Keys(s.expect[url])) {
			if held[name].Body != s.expect[url][name] {
				return fmt.Sprintf("%s %s: %d bytes are held, not %d", short(url), name, len(held[name].Body), len(s.expect[url][name]))
			}
		}
		for name := range held {
			if _, ok := s.expect[url][name]; !ok {
				return fmt.Sprintf("%s %s is held", short(url), name)
			}
		}
	}
	return ""
}

func side(i int) string { return []string{"ours", "theirs"}[i] }

func short(url string) string { return url[strings.LastIndex(url, ".")+1:] }
