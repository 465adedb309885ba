package snapshot

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

var (
	ruleOne = model.ObjectRef{Kind: "DestinationRule", Namespace: "default", Name: "one"}
	meshRef = model.ObjectRef{Kind: "MeshConfig", Name: "default"}
)

func meshConfig() store.Change {
	c := &v1alpha1.MeshConfig{}
	c.Name = "default"
	return store.Change{Ref: meshRef, Object: c}
}

// observed joins a proxy, with progress p, that subscribes to all clusters, or to
// those named.
func observed(t testing.TB, h *Hub, p model.Proxy, progress *Progress, names ...string) *Member {
	t.Helper()
	m, err := h.Join(p)
	if err != nil {
		t.Fatal(err)
	}
	m.Observe(func() Progress { return *progress })
	if len(names) > 0 {
		m.Watch(names)
	} else {
		m.WatchAll(true)
	}
	take(m)
	return m
}

func of(typeURL, name string) envoy.ResourceName {
	return envoy.ResourceName{TypeURL: typeURL, Name: name}
}

// rolls wants complete Rollouts.
func rolls(t *testing.T, h *Hub, what string, want map[model.ObjectRef]model.Rollout) {
	t.Helper()
	got, complete := h.Rollouts()
	if d := cmp.Diff(want, got); d != "" || !complete {
		t.Errorf("%s: complete %v, %s", what, complete, d)
	}
}

type rollouts = map[model.ObjectRef]model.Rollout

func TestRolloutOfARule(t *testing.T) {
	h, st := newHub(t, service("one"), service("two"), endpointSlice("one", "one-x", "a", "10.0.0.1"),
		ruleFor("one", nil), ruleFor("two", nil), ruleFor("nowhere", nil))
	two := model.ObjectRef{Kind: "DestinationRule", Namespace: "default", Name: "two"}
	rolls(t, h, "nobody is there", rollouts{ruleOne: {}, two: {}})

	var all, named Progress
	observed(t, h, sidecar("all", "a"), &all)
	m := observed(t, h, sidecar("named", "a"), &named, cluster("one"))
	idle, err := h.Join(sidecar("idle", "a"))
	if err != nil {
		t.Fatal(err)
	}
	take(idle)
	rolls(t, h, "a wildcard and a name", rollouts{ruleOne: {Proxies: 2, Programmed: 2}, two: {Proxies: 1, Programmed: 1}})

	all.Behind = map[envoy.ResourceName]bool{of(envoy.EndpointType, cluster("two")): true, of(envoy.ListenerType, "http-proxy"): true}
	named.Refused = map[envoy.ResourceName]string{of(envoy.ClusterType, cluster("one")): "bad"}
	no := model.Rollout{Proxies: 2, Programmed: 1, Refused: 1, Proxy: "default/named", Resource: cluster("one"), Message: "bad"}
	rolls(t, h, "one behind, one refuses", rollouts{ruleOne: no, two: {Proxies: 1}})

	all.Refused = map[envoy.ResourceName]string{of(envoy.EndpointType, cluster("one")): "worse"}
	rolls(t, h, "both refuse: the first by id is named", rollouts{
		ruleOne: {Proxies: 2, Refused: 2, Proxy: "default/all", Resource: cluster("one"), Message: "worse"}, two: {Proxies: 1},
	})

	all = Progress{}
	st.Apply([]store.Change{endpointSlice("one", "one-x", "a", "10.0.0.2")})
	h.Publish(time.Now())
	rolls(t, h, "nobody took the new version", rollouts{ruleOne: {Proxies: 2}, two: {Proxies: 1, Programmed: 1}})
	take(m)
	rolls(t, h, "one took it", rollouts{ruleOne: no.Join(model.Rollout{Programmed: -1}), two: {Proxies: 1, Programmed: 1}})
	m.Leave()
	rolls(t, h, "it left", rollouts{ruleOne: {Proxies: 1}, two: {Proxies: 1, Programmed: 1}})
}

func TestRolloutsAreCompleteOnlyIfTheSnapshotIs(t *testing.T) {
	h, st := newHub(t, service("one"), endpointSlice("one", "one-x", "a", "10.0.0.1"))
	is := func(what string, want bool) {
		t.Helper()
		if _, got := h.Rollouts(); got != want {
			t.Errorf("%s: complete %v", what, got)
		}
	}
	is("all is published", true)
	st.Apply([]store.Change{service("two")})
	is("something is marked", false)
	h.mu.Lock() // so that Publish takes, and gets no further
	published := make(chan struct{})
	go func() { defer close(published); h.Publish(time.Now()) }()
	for st.Marked() {
		time.Sleep(time.Millisecond)
	}
	if h.taking.Load() == 0 {
		t.Error("the marks are neither with the store nor with the Hub")
	}
	h.mu.Unlock()
	<-published
	is("all is published again", true)
	h.taking.Add(1)
	is("another publish has begun", false)
	h.taking.Add(-1)
	now := time.Now()
	st.Apply([]store.Change{endpointSlice("one", "one-x", "a")})
	h.Publish(now)
	is("a service that would be empty waits", false)
	h.Publish(now.Add(settle))
	is("it is empty", true)
	if _, complete := New(store.New(), 0, h.log).Rollouts(); complete {
		t.Error("complete before anything was published")
	}
}

// TestRolloutOfWhatIsNotSettled: what a stream may not know of yet is not programmed.
func TestRolloutOfWhatIsNotSettled(t *testing.T) {
	h, _ := newHub(t, service("one"), ruleFor("one", nil))
	m, err := h.Join(sidecar("c", "a"))
	if err != nil {
		t.Fatal(err)
	}
	m.WatchAll(true)
	m.Take()
	rolls(t, h, "it was not observed yet", rollouts{ruleOne: {Proxies: 1}})
	m.Observe(func() Progress { return Progress{} })
	rolls(t, h, "settled", rollouts{ruleOne: {Proxies: 1, Programmed: 1}})
	m.WatchAll(false)
	m.Watch([]string{cluster("one")})
	rolls(t, h, "another subscription, nothing taken since", rollouts{ruleOne: {Proxies: 1}})
	m.Take()
	m.Watch([]string{cluster("one")})
	rolls(t, h, "a name more, nothing taken since", rollouts{ruleOne: {Proxies: 1}})
	m.Take()
	m.Watch([]string{cluster("two")})
	rolls(t, h, "another name", rollouts{ruleOne: {Proxies: 1, Programmed: 1}})
	m.WatchAll(true)
	rolls(t, h, "all clusters, nothing taken since", rollouts{ruleOne: {Proxies: 1}})
}

// TestStreamsOfOneIDAreOneProxy, as those of a gRPC client, one for each target.
func TestStreamsOfOneIDAreOneProxy(t *testing.T) {
	h, _ := newHub(t, service("one"), service("two"), ruleFor("one", nil), meshConfig())
	client := model.Proxy{ID: "default/g", Kind: model.GRPC, Namespace: "default"}
	var first, second, third Progress
	observed(t, h, client, &first, cluster("one"))
	observed(t, h, client, &second, cluster("one"))
	observed(t, h, client, &third, cluster("two"))
	rolls(t, h, "all settled", rollouts{ruleOne: {Proxies: 1, Programmed: 1}, meshRef: {Proxies: 1, Programmed: 1}})
	second.Behind = map[envoy.ResourceName]bool{of(envoy.ClusterType, cluster("one")): true}
	rolls(t, h, "one is behind", rollouts{ruleOne: {Proxies: 1}, meshRef: {Proxies: 1}})
	third.Refused = map[envoy.ResourceName]string{of(envoy.ClusterType, cluster("two")): "no"}
	no := model.Rollout{Proxies: 1, Refused: 1, Proxy: "default/g", Resource: cluster("two"), Message: "no"}
	rolls(t, h, "one refuses what the rule is not behind", rollouts{ruleOne: {Proxies: 1}, meshRef: no})
	first.Refused = map[envoy.ResourceName]string{of(envoy.ClusterType, cluster("one")): "not me"}
	no.Resource, no.Message = cluster("one"), "not me"
	rolls(t, h, "another refuses too: the first by name", rollouts{ruleOne: no, meshRef: no})
}

// TestRulesThatTakePart: those whose settings or subsets are united, and those that
// only fence; of both groups; and the entry that declares the host.
func TestRulesThatTakePart(t *testing.T) {
	rule := func(namespace, name, host string, spec func(*v1alpha1.DestinationRule)) store.Change {
		r := &v1alpha1.DestinationRule{}
		r.Namespace, r.Name, r.Spec.Host = namespace, name, host
		spec(r)
		return store.Change{Ref: model.ObjectRef{Kind: v1alpha1.KindOf(r.APIVersion, "DestinationRule"), Namespace: namespace, Name: name}, Object: r}
	}
	subset := func(name string) func(*v1alpha1.DestinationRule) {
		return func(r *v1alpha1.DestinationRule) {
			r.Spec.Subsets = []v1alpha1.Subset{{Name: name, Labels: map[string]string{"v": name}}}
		}
	}
	entry := &v1alpha1.ServiceEntry{}
	entry.Namespace, entry.Name = "default", "e"
	entry.Spec = v1alpha1.ServiceEntrySpec{
		Hosts: []string{"e.example.com"}, Resolution: "STATIC", Ports: []v1alpha1.ServicePort{{Number: 80, Name: "http"}},
		Endpoints: []v1alpha1.WorkloadEntrySpec{{Address: "10.9.0.1"}},
	}
	all := []store.Change{
		service("one"), service("two"),
		rule("default", "settings", "one", func(r *v1alpha1.DestinationRule) {
			r.Spec.TrafficPolicy = &v1alpha1.TrafficPolicy{LoadBalancer: &v1alpha1.LoadBalancer{Simple: "RANDOM"}}
		}),
		rule("default", "subset", "one", subset("v1")),
		rule("default", "surplus", "one", subset("v1")),
		rule("coastwise-system", "fence", "*.default.svc.cluster.local", func(r *v1alpha1.DestinationRule) {
			r.Spec.TrafficPolicy = &v1alpha1.TrafficPolicy{LoadBalancer: &v1alpha1.LoadBalancer{LocalityLbSetting: &v1alpha1.LocalityLbSetting{AllowedRegions: []string{"eu"}}}}
		}),
		rule("default", "theirs", "e.example.com", func(r *v1alpha1.DestinationRule) { r.APIVersion = v1alpha1.IstioAPIVersion }),
		{Ref: model.ObjectRef{Kind: "ServiceEntry", Namespace: "default", Name: "e"}, Object: entry},
	}
	h, _ := newHub(t, all...)
	var settled Progress
	observed(t, h, sidecar("whole", "a"), &settled, cluster("one"))
	observed(t, h, sidecar("part", "a"), &settled, envoy.ClusterName(80, "v1", "one.default.svc.cluster.local"))
	observed(t, h, sidecar("none", "a"), &settled, envoy.ClusterName(80, "v9", "one.default.svc.cluster.local"))
	observed(t, h, sidecar("other", "a"), &settled, cluster("two"), "outbound|80||e.example.com")
	ref := func(kind, namespace, name string) model.ObjectRef {
		return model.ObjectRef{Kind: kind, Namespace: namespace, Name: name}
	}
	is := func(n int) model.Rollout { return model.Rollout{Proxies: n, Programmed: n} }
	rolls(t, h, "every rule that takes part", rollouts{
		ref("DestinationRule", "default", "settings"): is(2), ref("DestinationRule", "default", "subset"): is(1),
		ref("DestinationRule", "coastwise-system", "fence"): is(3), all[6].Ref: is(1), all[7].Ref: is(1),
	})
}

// TestRolloutOfASelector: a rule counts for the clients that it picks.
func TestRolloutOfASelector(t *testing.T) {
	rule := ruleFor("one", nil)
	rule.Object.(*v1alpha1.DestinationRule).Spec.WorkloadSelector = &v1alpha1.WorkloadSelector{MatchLabels: map[string]string{"app": "x"}}
	h, _ := newHub(t, service("one"), rule)
	var settled Progress
	for _, app := range []string{"x", "y", "z"} {
		p := sidecar(app, "a")
		p.Labels = map[string]string{"app": app}
		observed(t, h, p, &settled)
	}
	rolls(t, h, "one of three is picked", rollouts{ruleOne: {Proxies: 1, Programmed: 1}})
}
