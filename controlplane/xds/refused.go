package xds

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc/peer"
)

// Why a stream is refused: the label of coastwise_streams_refused_total.
const (
	notReady    = "not_ready"    // the sources are still being read
	stopping    = "stopping"     // the server is about to end
	noRequest   = "no_request"   // the stream said nothing for too long
	invalidNode = "invalid_node" // its first request does not say who it is
	notAdmitted = "not_admitted" // the Hub does not take this client

	connectionsFull   = "connections"        // of all clients there are too many
	clientConnections = "client_connections" // of this verified client there are too many
	streamRate        = "stream_rate"        // too many begin at a time
	noMethod          = "method"             // what it calls is not served
	unauthenticated   = "unauthenticated"    // it did not prove who it is
	cannotTell        = "cannot_tell"        // whether its proof is good is not known just now
	notAllowed        = "not_allowed"        // it may not read what others are sent

	otherNamespace = "other_namespace" // it claims another namespace than it proved
	otherPod       = "other_pod"       // another pod
	otherNode      = "other_node"      // another node
	formerPod      = "former_pod"      // the pod of that name has another UID
	otherAccount   = "other_account"   // the pod of that name has another service account
	notZtunnel     = "not_ztunnel"     // it says that it is a ztunnel, and is none
	otherGateway   = "other_gateway"   // the Gateway is another namespace's, or another than its pod's label names
)

// refusals is every reason.
func refusals() []string {
	return []string{
		notReady, stopping, noRequest, invalidNode, notAdmitted, noMethod, unauthenticated, cannotTell, notAllowed,
		otherNamespace, otherPod, otherNode, formerPod, otherAccount, notZtunnel, otherGateway,
		connectionsFull, clientConnections, streamRate,
	}
}

// refuse counts a stream that is not served, and logs it: of one peer a line a
// second at most, since a client that is refused comes back at once. It returns
// err.
func (s *Server) refuse(ctx context.Context, reason string, err error) error {
	s.turnAway(peerAddress(ctx), reason, err)
	return err
}

// turnedAway counts a connection that was closed unread.
func (s *Server) turnedAway(c net.Conn) {
	s.turnAway(c.RemoteAddr().String(), connectionsFull, errors.New("closed unread"))
}

func (s *Server) turnAway(from, reason string, err error) {
	s.config.Metrics.refused.WithLabelValues(reason).Inc()
	if before, ok := s.quiet.ask(hostOf(from), time.Now()); ok {
		s.config.Log.Info("a stream was refused", "reason", reason, "peer", from, "err", err, "not_logged_before", before)
	}
}

// peerAddress is the other end of a stream's connection.
func peerAddress(ctx context.Context) string {
	if p, ok := peer.FromContext(ctx); ok && p.Addr != nil {
		return p.Addr.String()
	}
	return ""
}

// hostOf is an address without its port: each connection has another one.
func hostOf(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}

// quietPeers bounds how many peers are remembered; all others share one line.
const quietPeers = 1024

// quiet lets every peer have one line a second.
type quiet struct {
	mu    sync.Mutex
	peers map[string]*lastLine
}

type lastLine struct {
	at       time.Time
	unlogged int
}

// ask says whether a peer may have a line now, and how many it did not get since
// its last one.
func (q *quiet) ask(peer string, now time.Time) (before int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.peers == nil {
		q.peers = map[string]*lastLine{}
	}
	l := q.peers[peer]
	if l == nil {
		if len(q.peers) >= quietPeers {
			q.forget(now)
		}
		if len(q.peers) >= quietPeers {
			peer = ""
		}
		if l = q.peers[peer]; l == nil {
			q.peers[peer] = &lastLine{at: now}
			return 0, true
		}
	}
	if now.Sub(l.at) < time.Second {
		l.unlogged++
		return 0, false
	}
	before = l.unlogged
	*l = lastLine{at: now}
	return before, true
}

// forget drops the peers that may have a line again.
func (q *quiet) forget(now time.Time) {
	for peer, l := range q.peers {
		if now.Sub(l.at) >= time.Second {
			delete(q.peers, peer)
		}
	}
}

// namesakes are the live streams of each id. Two at a time are two proxies that
// were given one name, or one whose former connection is not known to be dead.
// gRPC clients are not among them: they have many by right.
type namesakes struct {
	mu  sync.Mutex
	ids map[string]*namesake
}

type namesake struct {
	streams int
	told    bool
}

// enter counts a stream, and says whether its id has two now for the first time
// since it had none.
func (n *namesakes) enter(id string) (tell bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ids == nil {
		n.ids = map[string]*namesake{}
	}
	if n.ids[id] == nil {
		n.ids[id] = &namesake{}
	}
	is := n.ids[id]
	is.streams++
	tell = is.streams > 1 && !is.told
	is.told = is.told || tell
	return tell
}

func (n *namesakes) leave(id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if is := n.ids[id]; is != nil {
		is.streams--
		if is.streams == 0 {
			delete(n.ids, id)
		}
	}
}

// shared says whether an id has more than one stream.
func (n *namesakes) shared(id string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ids[id] != nil && n.ids[id].streams > 1
}
