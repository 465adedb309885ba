package controlplane

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/model"
)

// TestWhileAlone: a server that is no Pod campaigns neither before everything was read
// nor while Pods of coastwise run in the cluster, and ends its term when they come.
func TestWhileAlone(t *testing.T) {
	s, err := newServer(Config{Log: quiet(), XDS: "127.0.0.1:0", Replica: ReplicaConfig{Namespace: "coastwise-system", Name: "laptop", Outside: true}})
	if err != nil {
		t.Fatal(err)
	}
	ref := model.ObjectRef{Kind: "Pod", Namespace: "coastwise-system", Name: "coastwise-0"}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: ref.Namespace, Name: ref.Name, Labels: map[string]string{"app.kubernetes.io/name": "coastwise"}}}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		campaigns, ends := 0, 0
		done := make(chan error, 1)
		go func() {
			done <- s.whileAlone(ctx, func(term context.Context) error {
				campaigns++
				<-term.Done()
				ends++
				return nil
			})
		}()
		expect := func(when string, wantCampaigns, wantEnds int) {
			t.Helper()
			time.Sleep(3 * aloneTime)
			synctest.Wait()
			if campaigns != wantCampaigns || ends != wantEnds {
				t.Errorf("%s: %d campaigns, %d ended; want %d, %d", when, campaigns, ends, wantCampaigns, wantEnds)
			}
		}
		expect("nothing was read", 0, 0)
		s.store.Apply([]store.Change{{Ref: ref, Object: pod}})
		s.hub.Publish(time.Now())
		expect("replicas run", 0, 0)
		s.store.Apply([]store.Change{{Ref: ref}})
		expect("they are gone", 1, 0)
		s.store.Apply([]store.Change{{Ref: ref, Object: pod}})
		expect("they are back", 1, 1)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestWarnLost: a replica that does not find itself says so.
func TestWarnLost(t *testing.T) {
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, nil))
	s, err := newServer(Config{Log: quiet(), XDS: "127.0.0.1:0", Replica: ReplicaConfig{Namespace: "coastwise-system", Name: "coastwise-0", Peer: "127.0.0.1:15011"}})
	if err != nil {
		t.Fatal(err)
	}
	if s.replicas.warnLost(logger); !strings.Contains(log.String(), "POD_NAME") {
		t.Errorf("no warning: %q", log.String())
	}
	log.Reset()
	ref := model.ObjectRef{Kind: "Pod", Namespace: "coastwise-system", Name: "coastwise-0"}
	s.store.Apply([]store.Change{{Ref: ref, Object: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: ref.Namespace, Name: ref.Name, Labels: map[string]string{"app.kubernetes.io/name": "coastwise"},
	}}}})
	if s.replicas.warnLost(logger); log.Len() > 0 {
		t.Errorf("a warning: %q", log.String())
	}
}
