package conformance

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// The ports of the suite's backends.
const (
	httpPort = 3000
	h2cPort  = 3001
)

// pods are the servers of the suite's Pods.
type pods struct {
	t testing.TB

	mu   sync.Mutex
	all  map[types.UID]*podServer
	logs map[types.NamespacedName]*podLog
}

// podServer is what runs in one Pod.
type podServer struct{ stop []func() }

// podLog is what a Pod has printed, with the time of each line.
type podLog struct {
	mu    sync.Mutex
	lines []podLine
}

type podLine struct {
	at   time.Time
	text string
}

func (l *podLog) say(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, podLine{time.Now(), fmt.Sprintf(format, args...)})
}

// start listens on a Pod's address as its containers would.
func (p *pods) start(pod *corev1.Pod, ip string) {
	log := &podLog{}
	s := &podServer{}
	p.mu.Lock()
	p.all[pod.UID], p.logs[types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}] = s, log
	p.mu.Unlock()
	if err := s.serve(pod, ip, log); err != nil {
		p.t.Errorf("pod %s/%s: %v", pod.Namespace, pod.Name, err)
	}
}

func (s *podServer) serve(pod *corev1.Pod, ip string, log *podLog) error {
	switch {
	case has(pod, "TCP_ECHO_SERVER") || has(pod, "UDP_ECHO_SERVER") || !has(pod, "POD_NAME"):
		return nil // nothing of HTTP or gRPC goes there
	case has(pod, "GRPC_ECHO_SERVER"):
		l, err := net.Listen("tcp", net.JoinHostPort(ip, strconv.Itoa(httpPort)))
		if err != nil {
			return err
		}
		server := newGRPCEcho(pod.Namespace, pod.Name)
		s.stop = append(s.stop, server.Stop)
		go func() { _ = server.Serve(l) }() // until it is stopped
		return nil
	}
	handler := &echo{namespace: pod.Namespace, pod: pod.Name, log: log, attempts: map[string]int{}}
	h2c := new(http.Protocols)
	h2c.SetHTTP1(true)
	h2c.SetUnencryptedHTTP2(true)
	return errors.Join(
		s.http(ip, httpPort, &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}),
		s.http(ip, h2cPort, &http.Server{Handler: onlyHTTP2(handler), Protocols: h2c, ReadHeaderTimeout: 10 * time.Second}),
	)
}

func (s *podServer) http(ip string, port int, server *http.Server) error {
	l, err := net.Listen("tcp", net.JoinHostPort(ip, strconv.Itoa(port)))
	if err != nil {
		return err
	}
	s.stop = append(s.stop, func() { _ = server.Close() })
	go func() { _ = server.Serve(l) }() // until it is closed
	return nil
}

// has says that the first container has an environment variable.
func has(pod *corev1.Pod, name string) bool {
	return slices.ContainsFunc(pod.Spec.Containers[0].Env, func(v corev1.EnvVar) bool { return v.Name == name })
}

func (p *pods) stop(pod *corev1.Pod) {
	p.mu.Lock()
	s := p.all[pod.UID]
	delete(p.all, pod.UID)
	p.mu.Unlock()
	if s != nil {
		s.close()
	}
}

func (s *podServer) close() {
	for _, stop := range s.stop {
		stop()
	}
}

func (p *pods) stopAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.all {
		s.close()
	}
}

// ServeHTTP is the part of a kubelet that kubectl logs asks:
// /containerLogs/NAMESPACE/POD/CONTAINER?sinceTime=T.
func (p *pods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	log := p.logs[types.NamespacedName{Namespace: r.PathValue("namespace"), Name: r.PathValue("pod")}]
	p.mu.Unlock()
	if log == nil {
		http.NotFound(w, r)
		return
	}
	since, _ := time.Parse(time.RFC3339, r.URL.Query().Get("sinceTime")) // without one all
	log.mu.Lock()
	defer log.mu.Unlock()
	for _, l := range log.lines {
		if !l.at.Before(since) {
			fmt.Fprintln(w, l.text)
		}
	}
}
