package status

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// rolled is the status of a rule that so many of so many proxies have.
func rolled(programmed, proxies int) state {
	return stated(Object{Ref: rule, Generation: 1, Acts: 1, Status: rolledStatus(programmed, proxies)})
}

// stated is what stands of an object of our kinds.
func stated(o Object) state { return formOf(o, mesh{}).stands() }

func rolledStatus(programmed, proxies int) v1alpha1.Status {
	return Wish(Object{Ref: rule, Generation: 1, Acts: 1}, Report{Seen: true, Rollout: model.Rollout{Proxies: proxies, Programmed: programmed}}, noon)
}

func TestProxiesMayBeBehindForAMoment(t *testing.T) {
	m := &memo{}
	held := func(after time.Duration, wish state) metav1.ConditionStatus {
		m.settle(rolled(2, 2), wish, noon.Add(after))
		return wish.find("", Programmed).Status
	}
	if got := held(0, rolled(1, 2)); got != metav1.ConditionTrue {
		t.Errorf("at once: %s", got)
	}
	if got := held(settleTime-1, rolled(1, 2)); got != metav1.ConditionTrue {
		t.Errorf("a moment later: %s", got)
	}
	if got := held(settleTime, rolled(1, 2)); got != metav1.ConditionFalse {
		t.Errorf("after some time: %s", got)
	}
	held(settleTime, rolled(2, 2)) // they have it
	if got := held(settleTime+1, rolled(1, 2)); got != metav1.ConditionTrue {
		t.Errorf("behind again: %s", got)
	}
	refused := own{Object{Ref: rule, Generation: 1, Acts: 1}, ""}.wish(state{}, Report{Seen: true, Rollout: model.Rollout{Proxies: 2, Refused: 1}}, noon)
	if got := held(0, refused); got != metav1.ConditionFalse {
		t.Errorf("a refusal waits: %s", got)
	}
	edit := own{Object{Ref: rule, Generation: 2, Acts: 2}, ""}.wish(state{}, Report{Seen: true, Rollout: model.Rollout{Proxies: 2}}, noon)
	if got := held(0, edit); got != metav1.ConditionFalse {
		t.Errorf("a new generation passes for the old: %s", got)
	}
}

func TestWordsAloneAreNotWrittenAllTheTime(t *testing.T) {
	m, now := &memo{}, noon.Time
	m.wrote(state{}, rolled(2, 2), now, true)
	if m.due(rolled(2, 2), rolled(3, 3), now.Add(quietTime-1)) {
		t.Error("words at once")
	}
	if !m.due(rolled(2, 2), rolled(3, 3), now.Add(quietTime)) {
		t.Error("words never")
	}
	if !m.due(rolled(2, 2), rolled(1, 3), now.Add(1)) {
		t.Error("a condition waits")
	}
}

// Somebody else who writes what we do not wish, or a server that drops it, is answered
// ever more slowly; once it has stood, at once again.
func TestTheSameWordsAreSentEverMoreSlowly(t *testing.T) {
	m, now := &memo{}, noon.Time
	var pauses []time.Duration
	for range 8 {
		for wait := time.Duration(0); ; wait += time.Second {
			if m.due(state{}, rolled(2, 2), now) {
				pauses = append(pauses, wait)
				break
			}
			now = now.Add(time.Second)
		}
		m.wrote(state{}, rolled(2, 2), now, true)
	}
	want := []time.Duration{0, 10, 20, 40, 80, 160, 300, 300}
	for i, w := range want {
		if pauses[i] != w*time.Second {
			t.Errorf("%v, want %v s", pauses, want)
			break
		}
	}
	now = now.Add(time.Hour)
	if !m.due(state{}, rolled(2, 2), now) {
		t.Error("not mended after an hour")
	}
	m.wrote(state{}, rolled(2, 2), now, true)
	if m.pause != watchTime {
		t.Errorf("an old quarrel counts: %s", m.pause)
	}
}

func TestWhatWasWrittenCountsUntilTheWatchBringsNews(t *testing.T) {
	m, now := &memo{}, noon.Time
	before, sent := rolled(1, 2), rolled(2, 2)
	m.wrote(before, sent, now, true)
	if !same(m.base(before, now.Add(time.Second)), sent) {
		t.Error("what was written is forgotten")
	}
	if got := m.base(rolled(0, 2), now.Add(time.Second)); !same(got, rolled(0, 2)) {
		t.Error("news do not count")
	}
	if got := m.base(before, now.Add(watchTime)); !same(got, before) {
		t.Error("a write that never shows counts for ever")
	}
	m.wrote(before, sent, now, false)
	if got := m.base(before, now.Add(time.Second)); !same(got, before) {
		t.Error("a write that failed counts")
	}
}

func TestSameIgnoresTimesAndStrangers(t *testing.T) {
	a := rolled(2, 2)
	b := rolledStatus(2, 2)
	b.Conditions[0].LastTransitionTime = metav1.NewTime(noon.Add(time.Hour))
	b.Conditions = append(b.Conditions, metav1.Condition{Type: "Other"})
	if !same(stated(Object{Ref: rule, Status: b}), a) {
		t.Error("a time or a stranger's condition makes a difference")
	}
	for i, edit := range []func(*metav1.Condition){
		func(c *metav1.Condition) { c.Status = metav1.ConditionUnknown }, func(c *metav1.Condition) { c.Reason = "X" },
		func(c *metav1.Condition) { c.Message = "X" }, func(c *metav1.Condition) { c.ObservedGeneration = 9 }, func(c *metav1.Condition) { c.Type = "X" },
	} {
		c := rolled(2, 2)
		edit(&c.said[1].Condition)
		if same(c, a) {
			t.Errorf("edit %d makes no difference", i)
		}
	}
}
