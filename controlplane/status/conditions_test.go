package status

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

var (
	rule = model.ObjectRef{Kind: v1alpha1.KindDestinationRule, Namespace: "shop", Name: "reviews"}
	noon = metav1.NewTime(time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC))
)

func problem(severity model.Severity, reason model.Reason, field, message string) model.Problem {
	return model.Problem{Object: rule, Field: field, Severity: severity, Reason: reason, Message: message}
}

// text is a status as lines: TYPE STATUS REASON: message.
func text(s v1alpha1.Status) string {
	var out []string
	for _, c := range s.Conditions {
		out = append(out, fmt.Sprintf("%s %s %s: %s", c.Type, c.Status, c.Reason, strings.ReplaceAll(c.Message, "\n", " | ")))
	}
	return strings.Join(out, "\n")
}

const (
	valid    = "Accepted True Accepted: the object is valid"
	resolves = "ResolvedRefs True ResolvedRefs: everything that it names exists"
	nobody   = "Programmed True Programmed: no proxy holds it"
)

func TestWish(t *testing.T) {
	refusal := model.Rollout{Proxies: 120, Programmed: 118, Refused: 1, Proxy: "default/c0", Resource: "outbound|80||reviews.shop.svc.cluster.local", Message: " no such thing\n"}
	for name, tt := range map[string]struct {
		acts   int64 // 3 unless given
		unseen bool  // by some replica
		kind   string
		report Report
		want   []string
	}{
		"before the first proxy": {want: []string{valid, resolves, nobody}},
		"everywhere": {
			report: Report{Rollout: model.Rollout{Proxies: 2, Programmed: 2}},
			want:   []string{valid, resolves, "Programmed True Programmed: 2 of 2 proxies"},
		},
		"on its way": {
			report: Report{Rollout: model.Rollout{Proxies: 120, Programmed: 118}},
			want:   []string{valid, resolves, "Programmed False Pending: 118 of 120 proxies"},
		},
		"a proxy refuses": {
			report: Report{Rollout: refusal, Problems: []model.Problem{
				problem(model.Error, model.ProxyRejected, "spec", "default/c0 refused outbound|80||reviews.shop.svc.cluster.local: no such thing"),
			}},
			want: []string{valid, resolves, "Programmed False ProxyRejected: 118 of 120 proxies, 1 refused | default/c0 refused outbound|80||reviews.shop.svc.cluster.local: no such thing"},
		},
		"a proxy of an unheard replica may do anything": {
			report: Report{Rollout: model.Rollout{Proxies: 2, Programmed: 2}, Unheard: []string{"coastwise-b", "coastwise-a"}},
			want:   []string{valid, resolves, "Programmed Unknown Pending: 2 of 2 proxies; not heard: coastwise-a, coastwise-b"},
		},
		"what is refused is so whoever is not heard": {
			report: Report{Rollout: refusal, Unheard: []string{"coastwise-b"}},
			want:   []string{valid, resolves, "Programmed False ProxyRejected: 118 of 120 proxies, 1 refused; not heard: coastwise-b | default/c0 refused outbound|80||reviews.shop.svc.cluster.local: no such thing"},
		},
		"what was refused may be the form before": {
			unseen: true,
			report: Report{Rollout: refusal, Problems: []model.Problem{problem(model.Error, model.ProxyRejected, "spec", "default/c1 refused it")}},
			want: []string{valid, resolves, "Programmed False Pending: 118 of 120 proxies, 1 refused; not every replica has read it yet | " +
				"default/c0 refused outbound|80||reviews.shop.svc.cluster.local: no such thing"},
		},
		"what could not be built is not waited for": {
			unseen: true,
			report: Report{Problems: []model.Problem{problem(model.Error, model.BuildFailed, "spec", "it could not be built")}},
			want:   []string{valid, resolves, "Programmed False BuildFailed: no proxy holds it; not every replica has read it yet | it could not be built"},
		},
		"infos and what is not honoured accompany": {
			report: Report{Problems: []model.Problem{
				problem(model.Warning, model.NotHonoured, "spec.b", "is not honoured yet"),
				problem(model.Info, model.TargetNotFound, "spec.failover[0].to", "region x has no endpoints"),
				problem(model.Info, model.NoEffect, "spec.a", "has no effect"),
				problem(model.Warning, model.EjectionTooSmall, "spec.c", "is below a zone's share"),
			}},
			want: []string{
				"Accepted True Accepted: spec.a: has no effect | spec.b: is not honoured yet | spec.c: is below a zone's share",
				"ResolvedRefs True ResolvedRefs: spec.failover[0].to: region x has no endpoints", nobody,
			},
		},
		"the gravest reason rules, all mistakes are told": {
			report: Report{Rollout: model.Rollout{Proxies: 1, Programmed: 1}, Problems: []model.Problem{
				problem(model.Warning, model.Conflicted, "spec.host", "another rule is older"),
				problem(model.Error, model.NotHonoured, "spec.tls", "the object is refused"),
				problem(model.Warning, model.EmptySubset, "spec.subsets[0].labels", "selects nothing"),
				problem(model.Warning, model.TargetNotFound, "spec.host", "no Service reviews"),
				problem(model.Warning, model.NothingAllowed, "spec.allowedRegions", "nothing is left"),
			}},
			want: []string{
				"Accepted False NotHonoured: spec.host: another rule is older | spec.tls: the object is refused",
				"ResolvedRefs False TargetNotFound: spec.host: no Service reviews | spec.subsets[0].labels: selects nothing",
				"Programmed False NothingAllowed: 1 of 1 proxies | spec.allowedRegions: nothing is left",
			},
		},
		"a build that fails is graver than a refusal": {
			report: Report{Rollout: refusal, Problems: []model.Problem{problem(model.Error, model.BuildFailed, "spec", "it could not be built")}},
			want: []string{valid, resolves, "Programmed False BuildFailed: 118 of 120 proxies, 1 refused | " +
				"default/c0 refused outbound|80||reviews.shop.svc.cluster.local: no such thing | it could not be built"},
		},
		"a rule for nobody is not programmed": {
			report: Report{Problems: []model.Problem{problem(model.Warning, model.TargetNotFound, "spec.host", "no Service reviews")}},
			want: []string{
				valid, "ResolvedRefs False TargetNotFound: spec.host: no Service reviews",
				"Programmed False Pending: no proxy holds it, and it is not as it should be: see the other conditions",
			},
		},
		"an edit was refused": {
			acts: 2,
			report: Report{Rollout: model.Rollout{Proxies: 3, Programmed: 3}, Problems: []model.Problem{
				problem(model.Error, model.UnknownField, "spec.hots", "is unknown"), problem(model.Info, model.NoEffect, "spec.a", "of the former form"),
			}},
			want: []string{
				"Accepted False UnknownField: spec.hots: is unknown",
				"ResolvedRefs Unknown Pending: generation 3 does not act; generation 2 does",
				"Programmed False Pending: generation 3 does not act; generation 2 still does: 3 of 3 proxies",
			},
		},
		"never admitted": {
			acts:   -1,
			report: Report{Problems: []model.Problem{problem(model.Error, model.Invalid, "spec.host", "is missing")}},
			want:   []string{"Accepted False Invalid: spec.host: is missing", "ResolvedRefs Unknown Pending: " + noForm, "Programmed False Pending: " + noForm},
		},
		"an error of no condition is a mistake still": {
			report: Report{Problems: []model.Problem{problem(model.Error, model.NoEffect, "spec.x", "bad")}},
			want:   []string{"Accepted False Invalid: spec.x: bad", resolves, "Programmed False Pending: no proxy holds it, and it is not as it should be: see the other conditions"},
		},
		"what a file says is not about this object": {
			report: Report{Problems: []model.Problem{{Object: rule, Severity: model.Error, Reason: model.Invalid, Message: "x", File: "a.yaml"}}},
			want:   []string{valid, resolves, nobody},
		},
		"a workload is accepted or not": {
			kind:   v1alpha1.KindWorkloadEntry,
			report: Report{Problems: []model.Problem{problem(model.Warning, model.TargetNotFound, "spec.a", "x")}},
			want:   []string{"Accepted True Accepted: spec.a: x"},
		},
		"a mesh default names nothing": {kind: v1alpha1.KindMeshConfig, want: []string{valid, nobody}},
	} {
		t.Run(name, func(t *testing.T) {
			o := Object{Ref: rule, Generation: 3, Acts: 3}
			if tt.acts != 0 {
				o.Acts = max(tt.acts, 0)
			}
			if tt.kind != "" {
				o.Ref.Kind = tt.kind
			}
			tt.report.Seen = !tt.unseen
			got := Wish(o, tt.report, noon)
			if want := strings.Join(tt.want, "\n"); text(got) != want {
				t.Errorf("got\n%s\nwant\n%s", text(got), want)
			}
			if got.ObservedGeneration != 3 {
				t.Errorf("observedGeneration %d", got.ObservedGeneration)
			}
			for _, c := range got.Conditions {
				if c.ObservedGeneration != 3 || !c.LastTransitionTime.Equal(&noon) {
					t.Errorf("%s: observedGeneration %d, lastTransitionTime %s", c.Type, c.ObservedGeneration, c.LastTransitionTime)
				}
			}
		})
	}
}

func TestAReplicaThatHasNotReadAnEditIsWaitedFor(t *testing.T) {
	r := Report{Rollout: model.Rollout{Proxies: 2, Programmed: 2}}
	got := Wish(Object{Ref: rule, Generation: 3, Acts: 3}, r, noon)
	if c := find(got.Conditions, Programmed); c.Status != metav1.ConditionFalse || c.Reason != Pending || c.Message != "2 of 2 proxies; not every replica has read it yet" {
		t.Errorf("got %+v", c)
	}
}

func TestATransitionIsAChangeOfStatusOnly(t *testing.T) {
	o := Object{Ref: rule, Generation: 3, Acts: 3}
	o.Status = Wish(o, Report{Seen: true, Rollout: model.Rollout{Proxies: 2, Programmed: 1}}, noon)
	later := metav1.NewTime(noon.Add(time.Hour))
	o.Generation, o.Acts = 4, 4
	got := Wish(o, Report{Seen: true, Rollout: model.Rollout{Proxies: 3, Programmed: 3}}, later)
	for _, c := range got.Conditions {
		want := noon
		if c.Type == Programmed {
			want = later
		}
		if !c.LastTransitionTime.Equal(&want) {
			t.Errorf("%s: %s", c.Type, c.LastTransitionTime)
		}
	}
}

func TestMessagesAreBounded(t *testing.T) {
	var many []model.Problem
	for i := range 40 {
		many = append(many, problem(model.Error, model.Invalid, fmt.Sprintf("spec.f%02d", i), strings.Repeat("ü", 2000)+"\xff"))
	}
	c := find(Wish(Object{Ref: rule, Generation: 1}, Report{Problems: many}, noon).Conditions, Accepted)
	lines := strings.Split(c.Message, "\n")
	if len(lines) != maxLines+1 || lines[maxLines] != "and 24 more" {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
	if len(lines[0]) > maxLine || !strings.HasSuffix(lines[0], "ü…") || strings.ToValidUTF8(c.Message, "") != c.Message {
		t.Errorf("a line of %d bytes: …%q", len(lines[0]), lines[0][len(lines[0])-8:])
	}
	words := model.Rollout{Proxies: 1, Refused: 1, Proxy: "default/c0", Resource: "x", Message: strings.Repeat("\xc3", 40000)}
	if c := find(Wish(Object{Ref: rule, Generation: 1, Acts: 1}, Report{Rollout: words, Seen: true}, noon).Conditions, Programmed); len(c.Message) > 2*maxLine {
		t.Errorf("a proxy's words take %d bytes", len(c.Message))
	}
}
