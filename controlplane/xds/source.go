package xds

import (
	"time"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// Source is everything that one proxy may see, at one revision. It never
// changes; a newer one comes with an Update.
type Source interface {
	// Names is all that a wildcard means, sorted; nil for types without wildcard.
	Names(typeURL string) []string
	// Get returns nil for what does not exist in the proxy's scope.
	Get(typeURL, name string) *envoy.Resource
}

// Update is the newest Source and where it may differ from the one before. A
// hint too many costs a look, never a wrong response.
type Update struct {
	Source Source
	// Names are those of clusters and of endpoints that may differ; for a ztunnel, of
	// anything.
	Names []string
	// Scope says that the set of names, a listener or routes may differ.
	Scope bool
	// All says that anything may.
	All bool
	// Since is when the oldest event behind the change was seen; zero if unknown.
	Since time.Time
}

// Hub is where streams learn what to send; snapshot.Hub in production.
type Hub interface {
	// Join gives a stream its place. claims are as the client sent them; an error
	// means that the client asks for something that can never be served.
	Join(claims model.Proxy) (Member, error)
}

// Member is one stream's place in the Hub. Its first Take has All set.
type Member interface {
	// Wake is filled when Take has something new; it is one deep.
	Wake() <-chan struct{}
	Take() Update
	// Watch and Unwatch name clusters and endpoints that a stream without
	// wildcard on clusters subscribes to. The stream takes anew after Watch.
	Watch(names []string)
	Unwatch(names []string)
	// WatchAll is the wildcard on clusters. The stream takes anew after it.
	WatchAll(on bool)
	// Proxy is who the client is, after its claims were checked.
	Proxy() model.Proxy
	// Observe gives the Hub a way to ask how far the stream is. It may be called from
	// any goroutine, also after Leave, but with none of the Hub's locks held: it waits
	// for the stream, which calls Take while it holds its own.
	Observe(progress func() Progress)
	Leave()
}

// Progress is how far a stream is with what it was sent.
type Progress struct {
	// Listens says that the client has asked for listeners.
	Listens bool
	// Behind are the clusters, endpoints, listeners and routes that are unsent or
	// unanswered; Refused those whose present version the client refused, with its
	// words; none is in both. nil for none. What is present is what the stream took
	// last: it knows nothing of what waits in the Hub.
	Behind  map[envoy.ResourceName]bool
	Refused map[envoy.ResourceName]string
}

// Refusal is one resource that a client did not accept. Message is the client's.
type Refusal struct {
	ProxyID string
	TypeURL string
	Name    string
	Version string
	Message string
}

// Limits bound what one client can cost (reference/xds.md 8).
type Limits struct {
	// Missing is how many names that do not exist a client may subscribe to, per
	// type. Names that exist are bounded by its scope.
	Missing int
	// NameBytes is the longest name.
	NameBytes int
	// Window is how many responses with endpoints may be in flight.
	Window int
	// Batch and BatchBytes bound an endpoints response of several resources.
	Batch      int
	BatchBytes int
	// LargeBytes bounds a response of workloads: below what a ztunnel takes at most, 200 MiB.
	LargeBytes int
	// Removals is how many clusters one delta response may remove.
	Removals int
	// OrderWait is the longest time that listeners and routes wait for the
	// clusters that they may name, and that a reconnected client's removals wait
	// for it to ask for its routes.
	OrderWait time.Duration
	// Streak is how many responses in a row a client may refuse before it is
	// sent to less often: after Pause, doubled with each round up to MaxPause.
	Streak          int
	Pause, MaxPause time.Duration
	// Careful is how long after a refusal endpoints are sent one by one.
	Careful time.Duration
}

// DefaultLimits are those of reference/xds.md 4 and 8.
func DefaultLimits() Limits {
	return Limits{
		Missing: 1000, NameBytes: 1024,
		Window: 32, Batch: 20, BatchBytes: 64 << 10, LargeBytes: 32 << 20, Removals: 500,
		OrderWait: 2 * time.Second,
		Streak:    8, Pause: time.Second, MaxPause: time.Minute,
		Careful: time.Minute,
	}
}
